// The strip above the scrubber: a bar for each frame, as high as it shows failures; without truth, hidden objects. Where
// two results are compared there are two bars side by side, in the order of the panes.

const THUMB = 16;

const strip = {
  canvas: $("strip"),

  get kinds() {
    const failures = shownSights().filter((sight) => sight.outcome !== null);
    return failures.length ? failures : shownSights().filter((sight) => sight.key === "hidden");
  },

  // Frames stand where the thumb of the scrubber comes to stand.
  columnOf(place, width) {
    const total = store.length;
    return total > 1 ? THUMB / 2 + (place * (width - THUMB)) / (total - 1) : width / 2;
  },

  placeOf(column, width) {
    const total = store.length;
    return Math.min(Math.max(Math.round(((column - THUMB / 2) / Math.max(width - THUMB, 1)) * (total - 1)), 0), total - 1);
  },

  paint(state) {
    const { canvas } = this, width = canvas.clientWidth, height = canvas.clientHeight, ratio = devicePixelRatio;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d"), kinds = this.kinds, now = theme.now;
    pen.scale(ratio, ratio);
    const chosen = state.sight && state.sight.key !== "broken" ? [state.sight] : kinds, results = Math.max(comparedNames().length, 1);
    const countsIn = (summary, r) => sum(chosen.map((kind) => countIn(summary, kind, r)));
    const most = Math.max(1, ...store.summaries.flatMap((summary) => Array.from({ length: results }, (_, r) => countsIn(summary, r))));
    const wide = Math.max(2, Math.min((width - THUMB) / Math.max(store.length - 1, 1) - 1, 7 + 7 * results)), gap = results > 1 && wide > 5 ? 1 : 0;
    pen.fillStyle = now.grid;
    pen.fillRect(0, height - 1, width, 1);
    store.summaries.forEach((summary, place) => {
      const left = this.columnOf(place, width) - wide / 2;
      if (place === state.place) {
        pen.fillStyle = css(parts(now.quiet), 0.3);
        pen.fillRect(left - 2, 0, wide + 4, height);
      }
      if (summary.broken !== undefined) {
        pen.fillStyle = now.broken;
        pen.fillRect(left, 2, wide, height - 3);
      }
      const each = (wide - gap * (results - 1)) / results;
      for (let r = 0; r < results; r += 1) this.paintBar(pen, left + r * (each + gap), each, chosen.map((kind) => [kind, (countIn(summary, kind, r) / most) * (height - 6)]));
    });
  },

  // The kinds on top of each other, from the bottom.
  paintBar(pen, left, wide, kinds) {
    let top = this.canvas.clientHeight - 1;
    for (const [kind, high] of kinds) {
      pen.fillStyle = colorOfSight(kind);
      pen.fillRect(left, top - high, wide, Math.max(high - 0.6, 0));
      pen.strokeStyle = css(parts(theme.now.text), 0.22); // pale ones stand out from a light ground by their edge
      if (high > 3 && wide > 2) pen.strokeRect(left + 0.5, top - high + 0.5, wide - 1, high - 1.6);
      top -= high;
    }
  },

  // What the bars of a frame stand for, in words.
  told(place) {
    const summary = store.summaries[place], kinds = state.sight ? [state.sight] : this.kinds;
    if (summary.broken !== undefined) return `frame ${summary.index} cannot be shown`;
    const shown = kinds.filter((kind) => countOf(summary, kind));
    const lines = shown.map((kind) => `${SIGHT_WORDS[kind.key][0]}: ${byName((r) => countIn(summary, kind, r)) || countOf(summary, kind)}`);
    return [`frame ${summary.index}`, ...(lines.length ? lines : ["none of what is looked for"])].join("\n");
  },

  steer(seek) {
    const under = (event) => this.placeOf(event.clientX - this.canvas.getBoundingClientRect().left, this.canvas.clientWidth);
    const at = (event) => seek(under(event));
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      at(event);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons) at(event);
      if (store.length) this.canvas.title = this.told(under(event));
    });
  },
};
