// What lies under the objects: the visibility map, range rings, points and the own vehicle.

const RING_STEP = 10, EGO_LENGTH = 4.4, EGO_WIDTH = 1.85;

function paintMap(pen, scratch, map) {
  if (scratch.width !== map.width || scratch.height !== map.height) Object.assign(scratch, { width: map.width, height: map.height });
  const key = `${theme.isDark}`;
  if (scratch.shows !== map || scratch.key !== key) {
    const table = Uint32Array.from(theme.now.ground, (color) => packed(parts(color), 255));
    const image = new ImageData(map.width, map.height), pixels = new Uint32Array(image.data.buffer);
    for (let cell = 0; cell < pixels.length; cell += 1) pixels[cell] = table[map.cells[cell]];
    scratch.getContext("2d").putImageData(image, 0, 0);
    Object.assign(scratch, { shows: map, key });
  }
  const [column, row] = view.toScreen([map.x, map.y]), size = map.cell * view.scale;
  pen.save();
  pen.transform(0, -size, -size, 0, column, row); // a map has x along its rows and y along its columns
  pen.imageSmoothingEnabled = size < 6;
  pen.drawImage(scratch, 0, 0);
  pen.restore();
}

const RING_FONT = "11px system-ui, sans-serif";

function ringRanges() {
  const [column, row] = view.toScreen([0, 0]);
  const farthest = Math.max(...[[0, 0], [view.width, 0], [0, view.height], [view.width, view.height]]
    .map(([a, b]) => Math.hypot(a - column, b - row))) / view.scale;
  const step = view.scale < 3 ? 2 * RING_STEP : RING_STEP;
  return Array.from({ length: Math.floor(farthest / step) }, (_, k) => (k + 1) * step);
}

// The range of each ring at two bearings, where all of the words are in sight.
function ringWords(pen) {
  pen.font = RING_FONT;
  return ringRanges().flatMap((range) => [-0.908, 2.234].map((bearing) => {
    const words = `${range} m`, [column, base] = view.toScreen([range * Math.cos(bearing), range * Math.sin(bearing)]);
    return { words, place: [column + 3, base - 14, column + 3 + pen.measureText(words).width, base] };
  })).filter(({ place }) => place[0] >= 0 && place[1] >= 0 && place[2] <= view.width && place[3] <= view.height);
}

function paintRings(pen) {
  const [column, row] = view.toScreen([0, 0]);
  pen.lineWidth = 1;
  pen.strokeStyle = theme.now.ring;
  for (const range of ringRanges()) {
    pen.beginPath();
    pen.arc(column, row, range * view.scale, 0, 2 * Math.PI);
    pen.stroke();
  }
  pen.fillStyle = theme.now.ringText;
  pen.textBaseline = "alphabetic";
  for (const { words, place } of ringWords(pen)) pen.fillText(words, place[0], place[3] - 3);
}

function paintEgo(pen) {
  const { scale } = view, [column, row] = view.toScreen([0, 0]), now = theme.now;
  const width = EGO_WIDTH * scale, length = EGO_LENGTH * scale;
  pen.beginPath();
  pen.roundRect(column - width / 2, row - length / 2, width, length, 0.6 * scale);
  pen.fillStyle = now.egoFill;
  pen.strokeStyle = now.ego;
  pen.lineWidth = 1.4;
  pen.fill();
  pen.stroke();
  trace(pen, [[1.5, 0], [0.1, 0.62], [0.5, 0], [0.1, -0.62]]);
  pen.fillStyle = now.ego;
  pen.fill();
}

// Of each point the colour; those of objects come last, so that they lie above the ground around them.
function tintPoints(points, result, coloring, compared) {
  const tones = toneTable(), count = points.x.length, tints = new Uint32Array(count);
  const steps = coloring === "intensity" && points.intensity ? points.intensity : points.height;
  const classes = coloring === "class" ? classTable() : null;
  const owners = coloring === "object" ? ownerTable(result.objects, compared) : null;
  for (let k = 0; k < count; k += 1) {
    const owner = owners ? result.owner[k] : 0;
    tints[k] = owner ? owners[owner] : classes ? classes[result.semantic[k]] : tones[steps[k]];
  }
  return tints;
}

function paintPoints(pen, scratch, points, result, coloring, compared) {
  const { ratio } = view, width = Math.round(view.width * ratio), height = Math.round(view.height * ratio);
  if (scratch.width !== width || scratch.height !== height) Object.assign(scratch, { width, height, image: null });
  scratch.image ??= new ImageData(width, height);
  const pixels = new Uint32Array(scratch.image.data.buffer), tints = tintPoints(points, result, coloring, compared);
  pixels.fill(0);
  const scale = view.scale * ratio, column0 = width / 2 + view.y * scale, row0 = height / 2 + view.x * scale;
  const side = Math.max(1, Math.round(ratio * Math.min(Math.max(view.scale / 13, 1), 4)));
  for (const wanted of coloring === "object" ? [false, true] : [null]) {
    for (let k = 0; k < tints.length; k += 1) {
      if (wanted !== null && result.owner[k] > 0 !== wanted) continue;
      const column = Math.floor(column0 - points.y[k] * scale), row = Math.floor(row0 - points.x[k] * scale);
      if (column < 0 || row < 0 || column + side > width || row + side > height) continue;
      for (let y = row; y < row + side; y += 1) {
        for (let x = column; x < column + side; x += 1) pixels[y * width + x] = tints[k];
      }
    }
  }
  scratch.getContext("2d").putImageData(scratch.image, 0, 0);
  pen.drawImage(scratch, 0, 0, view.width, view.height);
}
