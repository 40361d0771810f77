// One result of a frame on two canvases: the scene, and over it what is looked at, which changes more often.

class Pane {
  constructor(r) {
    this.r = r;
    this.heading = element("p", { class: "heading" });
    this.scene = element("canvas", { class: "scene" });
    this.over = element("canvas", { class: "over" });
    this.note = element("p", { class: "note", hidden: true });
    this.box = element("div", { class: "pane" }, this.scene, this.over, this.heading, this.note);
    this.map = element("canvas");
    this.dots = element("canvas");
  }

  get size() { return [this.box.clientWidth, this.box.clientHeight]; }

  resize() {
    for (const canvas of [this.scene, this.over]) {
      canvas.width = Math.round(view.width * view.ratio);
      canvas.height = Math.round(view.height * view.ratio);
    }
  }

  pen(canvas) {
    const pen = canvas.getContext("2d");
    pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    return pen;
  }

  paint(frame, state) {
    const pen = this.pen(this.scene), result = frame.results[this.r], on = (layer) => state.layers.has(layer);
    pen.fillStyle = theme.now.background;
    pen.fillRect(0, 0, view.width, view.height);
    if (!result) return;
    const compared = on("difference") && result.outcomeKnown;
    this.say(frame, result);
    if (on("ground")) paintMap(pen, this.map, result.map);
    if (on("rings")) paintRings(pen);
    if (on("masks")) paintMasks(pen, result.objects, compared);
    if (on("tracks")) paintTrails(pen, result.objects, compared);
    if (on("points")) paintPoints(pen, this.dots, frame.points, result, state.coloring, compared);
    if (on("boxes")) paintBoxes(pen, result.objects, compared);
    if (frame.truth && compared) paintTruth(pen, frame.truth, result.truthOutcome);
    else if (frame.truth && on("truth")) paintTruth(pen, frame.truth, null);
    if (on("velocity")) paintVelocities(pen, result.objects, compared);
    paintEgo(pen);
    this.write(pen, frame, result, state, compared);
    this.look(frame, state);
  }

  say(frame, result) {
    this.heading.textContent = frame.results.length > 1 ? result.name : "";
    this.note.textContent = result.note;
    this.note.hidden = !result.note;
  }

  write(pen, frame, result, state, compared) {
    const { edges, more } = state.layers.has("arrows") ? chosenEdges(result) : { edges: [], more: [] };
    const arrows = paintEdges(pen, edges);
    paintRingsAround(pen, sightings(frame, result, state.sight), state.sight);
    const avoid = [...shownObjects(result.objects), { ...boxOf([0, 0, 0, 440, 185, 0, 0]) }].map(rectangle);
    if (state.layers.has("rings")) avoid.push(...ringWords(pen).map(({ place }) => place));
    const placer = new Placer(pen, avoid);
    if (compared && frame.truth) writeMarks(placer, frame, result, state.sight);
    writeMore(placer, more);
    writeShares(placer, edges, arrows);
    if (state.layers.has("labels")) writeNames(placer, result.objects, compared);
  }

  look(frame, state) {
    const pen = this.pen(this.over), result = frame.results[this.r];
    if (!result) return;
    const compared = state.layers.has("difference") && result.outcomeKnown, object = resolve(state.focus, frame, this.r);
    if (object) paintFocus(pen, object, compared);
  }
}
