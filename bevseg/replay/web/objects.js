// What is drawn of objects: masks, boxes, where they go and come from, who hides whom, and the truth.

const LEAST_SPEED = 0.8;

function trace(pen, places, isClosed = true, begins = true) {
  if (begins) pen.beginPath();
  places.forEach((place, k) => {
    const [column, row] = view.toScreen(place);
    if (k) pen.lineTo(column, row); else pen.moveTo(column, row);
  });
  if (isClosed) pen.closePath();
}

function traceAll(pen, outlines) {
  pen.beginPath();
  for (const outline of outlines) trace(pen, outline, true, false);
}

const seenOf = (object) => object.seen ?? object.amodal;
const shownObjects = (objects) => objects.filter((o) => view.shows([o.x, o.y], Math.hypot(o.length, o.width)));

// The seen part is filled, the hidden part hatched: what lies in one of the two outlines and not in both.
function paintMasks(pen, objects, compared) {
  for (const object of shownObjects(objects)) {
    const color = colorOf(object, compared);
    if (object.seen) {
      traceAll(pen, [...object.amodal, ...object.seen]);
      pen.fillStyle = hatch(pen, color);
      pen.fill("evenodd");
    }
    traceAll(pen, seenOf(object));
    pen.fillStyle = css(color, theme.isDark ? 0.58 : 0.5);
    pen.fill("evenodd");
    traceAll(pen, object.amodal);
    pen.strokeStyle = css(color);
    pen.lineWidth = 1;
    pen.stroke();
  }
}

function paintBoxes(pen, objects, compared) {
  for (const object of shownObjects(objects)) {
    pen.strokeStyle = css(blend(colorOf(object, compared), parts(theme.now.lighten), theme.isDark ? 0.45 : 0.25));
    pen.lineWidth = 1.2;
    trace(pen, object.corners);
    pen.stroke();
    const c = Math.cos(object.yaw), s = Math.sin(object.yaw), front = object.length / 2, tip = front + Math.max(0.4, 0.18 * object.length);
    pen.lineWidth = 2;
    trace(pen, [[object.x + c * front, object.y + s * front], [object.x + c * tip, object.y + s * tip]], false);
    pen.stroke();
  }
}

function paintDashed(pen, box, color, width = 1.2) {
  pen.setLineDash([5, 4]);
  pen.strokeStyle = color;
  pen.lineWidth = width;
  trace(pen, box.corners);
  pen.stroke();
  pen.setLineDash([]);
}

// True objects in the colour of what became of them; those that were found or do not count are quiet.
function paintTruth(pen, truth, outcomes) {
  const failed = (object) => outcomes !== null && about.outcomes[outcomes[object.k]].failure;
  for (const object of shownObjects(truth).sort((a, b) => failed(a) - failed(b))) {
    if (outcomes === null) paintDashed(pen, object, css(parts(theme.now.truth), 0.8));
    else paintDashed(pen, object, css(ink(about.outcomes[outcomes[object.k]].color), failed(object) ? 1 : 0.45), failed(object) ? 2 : 1);
  }
}

function paintTrails(pen, objects, compared) {
  pen.lineWidth = 1.8;
  for (const object of objects) {
    const { trail } = object;
    if (trail.length < 2) continue;
    const way = Math.hypot(trail[0][0] - trail.at(-1)[0], trail[0][1] - trail.at(-1)[1]);
    if (way < LEAST_SPEED / 2) continue;
    const color = colorOf(object, compared), pieces = Math.min(4, trail.length - 1);
    for (let piece = 0; piece < pieces; piece += 1) {
      const cut = (n) => Math.round((n * (trail.length - 1)) / pieces);
      pen.strokeStyle = css(color, 0.25 + (0.7 * (piece + 1)) / pieces);
      trace(pen, trail.slice(cut(piece), cut(piece + 1) + 1), false);
      pen.stroke();
    }
  }
}

function paintArrow(pen, from, to, { color, width = 1.5, head = 8, dot = false }) {
  const [x0, y0] = from, [x1, y1] = to, length = Math.max(Math.hypot(x1 - x0, y1 - y0), 1e-6);
  const along = [(x1 - x0) / length, (y1 - y0) / length], base = [x1 - along[0] * head, y1 - along[1] * head];
  pen.strokeStyle = color;
  pen.fillStyle = color;
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(...base);
  pen.stroke();
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(base[0] - along[1] * head * 0.45, base[1] + along[0] * head * 0.45);
  pen.lineTo(base[0] + along[1] * head * 0.45, base[1] - along[0] * head * 0.45);
  pen.fill();
  if (!dot) return;
  pen.beginPath();
  pen.arc(x0, y0, 2.6, 0, 2 * Math.PI);
  pen.fill();
}

// From the middle of each object that moves to where it will be in a second.
function paintVelocities(pen, objects, compared) {
  for (const object of shownObjects(objects)) {
    if (!object.velocity || Math.hypot(...object.velocity) < LEAST_SPEED) continue;
    const end = [object.x + object.velocity[0], object.y + object.velocity[1]];
    const color = css(blend(colorOf(object, compared), parts(theme.now.lighten), 0.5));
    paintArrow(pen, view.toScreen([object.x, object.y]), view.toScreen(end), { color, head: 7 });
  }
}

const LEAST_ARROW = 14;

// Where the line from the middle of a box to a place leaves the box.
function edgeTowards(box, [x, y]) {
  const dx = x - box.x, dy = y - box.y, c = Math.cos(box.yaw), s = Math.sin(box.yaw);
  const along = Math.abs(c * dx + s * dy), across = Math.abs(c * dy - s * dx);
  const amount = Math.min(box.length / 2 / Math.max(along, 1e-6), box.width / 2 / Math.max(across, 1e-6), 1);
  return [box.x + dx * amount, box.y + dy * amount];
}

// From edge to edge, or farther apart where the gap is too small to see.
function arrowBetween(near, far) {
  const start = view.toScreen(edgeTowards(near, [far.x, far.y])), end = view.toScreen(edgeTowards(far, [near.x, near.y]));
  const from = view.toScreen([near.x, near.y]), to = view.toScreen([far.x, far.y]);
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const along = length > 0 ? [(to[0] - from[0]) / length, (to[1] - from[1]) / length] : [0, -1];
  const missing = Math.max(LEAST_ARROW - (along[0] * (end[0] - start[0]) + along[1] * (end[1] - start[1])), 0) / 2;
  return [[start[0] - along[0] * missing, start[1] - along[1] * missing], [end[0] + along[0] * missing, end[1] + along[1] * missing]];
}

// Of those that hide an object the one that hides most, where it hides enough to matter; of the many that one object
// hides the most hidden few, and how many more there are: fans of arrows cannot be read.
function chosenEdges(result) {
  const fans = new Map();
  for (const edge of strongestEdges(result)) fans.set(edge.near, [...(fans.get(edge.near) ?? []), edge]);
  const edges = [], more = [];
  for (const [near, fan] of fans) {
    edges.push(...fan.sort((a, b) => b.share - a.share).slice(0, about.arrowsOfOne));
    if (fan.length > about.arrowsOfOne) more.push({ near, count: fan.length - about.arrowsOfOne });
  }
  return { edges, more };
}

function strongestEdges(result) {
  return result.objects.map((far) => far.hiddenBy[0] && { near: far.hiddenBy[0].other, far, share: far.hiddenBy[0].share })
    .filter((edge) => edge && edge.share >= about.hiddenFrom && view.shows([edge.near.x, edge.near.y]) && view.shows([edge.far.x, edge.far.y]));
}

function paintEdges(pen, edges, { color = theme.now.arrow, width = 1.5 } = {}) {
  const arrows = edges.map(({ near, far }) => arrowBetween(near, far));
  for (const [from, to] of arrows) paintArrow(pen, from, to, { color: css(parts(theme.now.shade), 0.7), width: width + 2.4, head: 8 });
  for (const [from, to] of arrows) paintArrow(pen, from, to, { color, width, dot: true });
  return arrows;
}
