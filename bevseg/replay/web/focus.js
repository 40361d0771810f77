// What is looked at: one object stands out, with what hides it and what it hides; all else steps back.

function hole(pen, object) {
  const outlines = object.isTruth || !object.amodal.length ? [object.corners] : object.amodal;
  traceAll(pen, outlines);
  pen.fill();
  pen.stroke();
}

function paintFocus(pen, object, compared) {
  const others = object.isTruth ? [] : [...object.hiddenBy, ...object.hides].map(({ other }) => other);
  pen.fillStyle = theme.now.veil;
  pen.fillRect(0, 0, view.width, view.height);
  pen.globalCompositeOperation = "destination-out";
  Object.assign(pen, { fillStyle: "#000", strokeStyle: "#000", lineWidth: 9, lineJoin: "round" });
  for (const bright of [object, ...others]) hole(pen, bright);
  pen.globalCompositeOperation = "source-over";
  for (const other of others) {
    pen.lineWidth = 1.6;
    pen.strokeStyle = css(colorOf(other, compared));
    trace(pen, other.corners);
    pen.stroke();
  }
  pen.lineWidth = 2.6;
  pen.strokeStyle = theme.now.focus;
  trace(pen, object.corners);
  pen.stroke();
  if (!object.isTruth) nameTheInvolved(pen, object, others);
}

function nameTheInvolved(pen, object, others) {
  const edges = [
    ...object.hiddenBy.map(({ other, share: amount }) => ({ near: other, far: object, share: amount })),
    ...object.hides.map(({ other, share: amount }) => ({ near: object, far: other, share: amount })),
  ].filter(({ near, far }) => view.shows([near.x, near.y], 5) && view.shows([far.x, far.y], 5));
  const arrows = paintEdges(pen, edges, { width: 2 });
  const placer = new Placer(pen, [object, ...others].map(rectangle));
  const { focus, plate, text, arrow } = theme.now;
  placer.write([[nameOf(object), text]], rectangle(object), { plate, edge: focus, bold: true });
  for (const { other, share: amount } of object.hiddenBy) {
    placer.write([[nameOf(other), text], [`hides ${percent(amount)}`, arrow]], rectangle(other), { plate });
  }
  for (const { other, share: amount } of object.hides) {
    placer.write([[nameOf(other), text], [`${percent(amount)} hidden`, arrow]], rectangle(other), { plate });
  }
  return arrows;
}

// The objects that show what is looked for: of a failure what its mark is about, else what has the property itself.
function sightings(frame, result, sight) {
  if (!sight) return [];
  if (sight.outcome !== null) {
    return result.marks.filter((mark) => mark.outcome === sight.outcome).map((mark) => markedBy(mark, frame, result));
  }
  switch (sight.key) {
    case "hidden": return result.objects.filter((o) => o.visible !== null && 1 - o.visible >= sight.limit);
    case "low-score": return result.objects.filter((o) => o.score < sight.limit);
    case "order-cycle": return result.objects.filter((o) => result.cycles.some((cycle) => cycle.includes(o.k)));
    default: return [];
  }
}

// The circle around what is looked for, as middle and radius in pixels.
function ringOf(object) {
  const [left, top, right, bottom] = rectangle(object);
  return [...view.toScreen([object.x, object.y]), Math.hypot(right - left, bottom - top) / 2 + 9];
}

function paintRingsAround(pen, objects, sight) {
  pen.setLineDash([7, 5]);
  for (const object of objects) {
    for (const [color, width] of [[theme.now.shade, 5], [colorOfSight(sight), 2.4]]) {
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.beginPath();
      pen.arc(...ringOf(object), 0, 2 * Math.PI);
      pen.stroke();
    }
  }
  pen.setLineDash([]);
}
