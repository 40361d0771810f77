// Blocks of a frame (see columns.py) to typed arrays and objects in metres.

function bytesOfText(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text), bytes = new Uint8Array(characters.length);
  for (let k = 0; k < bytes.length; k += 1) bytes[k] = characters.charCodeAt(k);
  return bytes;
}

async function unpackBlock(text) {
  const packed = new Blob([bytesOfText(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const plain = await new Response(packed).arrayBuffer();
  const length = new DataView(plain).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(plain, 4, length)));
  const columns = {};
  let start = 4 + length;
  for (const [name, size] of header.columns) {
    columns[name] = new Uint8Array(plain, start, size);
    start += size;
  }
  return { header, columns };
}

function wide(planes) {
  const count = planes.length / 2, numbers = new Uint16Array(count);
  for (let k = 0; k < count; k += 1) numbers[k] = planes[k] | (planes[k + count] << 8);
  return numbers;
}

const STRIP_STEPS = 32;

function unpackPoints(told, columns) {
  const counts = wide(columns.strips), steps = wide(columns.x), within = columns.y;
  const x = new Float32Array(within.length), y = new Float32Array(within.length);
  const [left, low] = told.origin, step = told.step;
  for (let strip = 0, k = 0; strip < counts.length; strip += 1) {
    const bottom = (low + strip * STRIP_STEPS + 0.5) * step;
    for (let end = k + counts[strip], place = left + 0.5; k < end; k += 1) {
      place += steps[k];
      x[k] = place * step;
      y[k] = bottom + within[k] * step;
    }
  }
  return { x, y, height: columns.height, intensity: columns.intensity || null, shown: told.shown, total: told.total };
}

function unpackMap(grid, states, runs) {
  const cells = new Uint8Array(grid.width * grid.height), lengths = wide(runs);
  for (let run = 0, at = 0; run < states.length; run += 1) {
    cells.fill(states[run], at, at + lengths[run]);
    at += lengths[run];
  }
  return { ...grid, cells };
}

function path(steps) {
  const places = [];
  for (let k = 0, x = 0, y = 0; k < steps.length; k += 2) {
    x += steps[k];
    y += steps[k + 1];
    places.push([x / 100, y / 100]);
  }
  return places;
}

function boxOf(numbers) {
  const [x, y, z, length, width, height] = numbers.map((v) => v / 100), yaw = numbers[6] / 1000;
  const c = Math.cos(yaw), s = Math.sin(yaw);
  const corner = (along, across) => [x + (along * length * c - across * width * s) / 2, y + (along * length * s + across * width * c) / 2];
  return { x, y, z, length, width, height, yaw, corners: [corner(1, 1), corner(-1, 1), corner(-1, -1), corner(1, -1)] };
}

const share = (perMille) => (perMille === null ? null : perMille / 1000);

function unpackObject(told, k) {
  const amodal = told.amodal[k].map(path);
  const [vx, vy] = told.velocity[k];
  return {
    ...boxOf(told.box[k]), k, id: told.id[k], label: told.label[k], color: told.color[k], score: told.score[k] / 1000,
    velocity: vx === null || vy === null ? null : [vx / 100, vy / 100], visible: share(told.visible[k]), rank: told.rank[k],
    amodal, seen: told.seen[k] === null ? null : told.seen[k].map(path), trail: told.trails.length ? path(told.trails[k]) : [],
    outcome: told.outcome === null ? null : told.outcome[k], hiddenBy: [], hides: [], isTruth: false,
  };
}

function unpackResult(told, columns, r) {
  const objects = told.id.map((_, k) => unpackObject(told, k));
  const edges = told.edges.map(([near, far, perMille]) => ({ near, far, share: perMille / 1000 }));
  for (const edge of edges) {
    objects[edge.far].hiddenBy.push({ other: objects[edge.near], share: edge.share });
    objects[edge.near].hides.push({ other: objects[edge.far], share: edge.share });
  }
  const marks = told.marks.map(([outcome, x, y, truth, prediction, text, severity, measure, involved]) => (
    { outcome, x: x / 100, y: y / 100, truth, prediction, text, severity, measure, involved }));
  return {
    name: told.name, note: told.note, counted: told.counted, cycles: told.cycles, ms: told.ms, objects, edges, marks,
    truthOutcome: told.truthOutcome, outcomeKnown: told.outcome !== null, semantic: columns[`class${r}`], owner: wide(columns[`owner${r}`]),
    map: unpackMap(told.grid, columns[`states${r}`], columns[`runs${r}`]),
  };
}

function unpackTruth(told) {
  return told.box.map((box, k) => ({
    ...boxOf(box), k, label: told.label[k], track: told.track[k], visible: share(told.visible[k]), points: told.points[k],
    ignored: Boolean(told.ignored[k]), isTruth: true,
  }));
}

async function unpackFrame(text) {
  const { header, columns } = await unpackBlock(text);
  return {
    index: header.index, name: header.name, time: header.time, points: unpackPoints(header.points, columns),
    truth: header.truth === null ? null : unpackTruth(header.truth),
    results: header.results.map((told, r) => unpackResult(told, columns, r)),
  };
}
