// Words on the ground that do not cover each other.

const DIRECTIONS = [[1, 0], [-1, 0], [0, -1], [0, 1], [1, -1], [-1, -1], [1, 1], [-1, 1]];
const WORD_HEIGHT = 16, AWAY = 3, FONT = "11.5px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
const LEAST_LABELLED = 14;

const meets = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

// Square pixels, whole ones so that places which differ by nothing but rounding are alike.
function shared(a, b) {
  const wide = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), high = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return wide > 0 && high > 0 ? Math.round(wide * high) : 0;
}

class Placer {
  constructor(pen, avoid) {
    Object.assign(this, { pen, avoid, taken: [] });
    pen.font = FONT;
    pen.textBaseline = "middle";
  }

  // Words and colours in one line beside a rectangle, where nothing was written; nothing at all if all is taken.
  write(words, around, { plate = theme.now.plate, edge = null, bold = false } = {}) {
    const { pen } = this;
    pen.font = bold ? `600 ${FONT}` : FONT;
    const widths = words.map(([text]) => pen.measureText(text).width);
    const width = widths.reduce((a, b) => a + b, 0) + 4 * (words.length - 1) + 8;
    const place = this.free(around, width);
    if (!place) return null;
    this.taken.push(place);
    const [left, top] = place;
    pen.beginPath();
    pen.roundRect(left, top, width, WORD_HEIGHT, 3);
    pen.fillStyle = plate;
    pen.fill();
    if (edge) {
      pen.strokeStyle = edge;
      pen.lineWidth = 1;
      pen.stroke();
    }
    words.forEach(([text, color], k) => {
      pen.fillStyle = color;
      pen.fillText(text, left + 4 + widths.slice(0, k).reduce((a, b) => a + b + 4, 0), top + WORD_HEIGHT / 2 + 0.5);
    });
    return place;
  }

  free(around, width) {
    const column = (around[0] + around[2]) / 2, row = (around[1] + around[3]) / 2;
    const reach = [(around[2] - around[0] + width) / 2 + AWAY, (around[3] - around[1] + WORD_HEIGHT) / 2 + AWAY];
    let kept = null, least = Infinity;
    for (const [right, down] of DIRECTIONS) {
      const left = column - width / 2 + right * reach[0], top = row - WORD_HEIGHT / 2 + down * reach[1];
      const place = [left, top, left + width, top + WORD_HEIGHT];
      if (left < 0 || top < 0 || place[2] > view.width || place[3] > view.height) continue;
      if (this.taken.some((other) => meets(place, other))) continue;
      const covered = this.avoid.reduce((sum, other) => sum + shared(place, other), 0);
      if (covered >= least) continue;
      [kept, least] = [place, covered];
      if (!covered) return place;
    }
    return kept;
  }
}

function rectangle(box) {
  const corners = box.corners.map((corner) => view.toScreen(corner));
  const columns = corners.map(([column]) => column), rows = corners.map(([, row]) => row);
  return [Math.min(...columns), Math.min(...rows), Math.max(...columns), Math.max(...rows)];
}

const nameOf = (object) => `${about.classes[object.label].name}${object.isTruth ? "" : ` ${object.id}`}`;
const percent = (amount) => `${Math.round(100 * amount)}%`;

// What a failure is about: the prediction, or the true object that none found.
function markedBy(mark, frame, result) {
  return mark.prediction >= 0 ? result.objects[mark.prediction] : frame.truth[mark.truth];
}

// The kind of each failure on a plate of its colour, the worst first.
function writeMarks(placer, frame, result, sight) {
  for (const mark of result.marks) {
    if (!view.shows([mark.x, mark.y])) continue;
    const object = markedBy(mark, frame, result), isChosen = sight?.outcome === mark.outcome;
    const isQuiet = sight && sight.outcome !== null && !isChosen;
    let around = rectangle(object);
    if (isChosen) {
      const [column, row, radius] = ringOf(object);
      around = [column - radius, row - radius, column + radius, row + radius];
    }
    placer.pen.globalAlpha = isQuiet ? 0.4 : 1;
    const plate = about.outcomes[mark.outcome].color, edge = theme.isDark ? null : css(ink(plate)); // some are pale
    placer.write([[mark.text, theme.now.plateInk]], around, { plate, edge, bold: true });
    placer.pen.globalAlpha = 1;
  }
}

// How much is hidden, on the arrow that says by what.
function writeShares(placer, edges, arrows) {
  edges.forEach((edge, k) => {
    const [[x0, y0], [x1, y1]] = arrows[k], x = (x0 + x1) / 2, y = (y0 + y1) / 2;
    placer.write([[percent(edge.share), theme.now.arrow]], [x - 2, y - 2, x + 2, y + 2]);
  });
}

// How many more an object hides than arrows lead to.
function writeMore(placer, more) {
  for (const { near, count } of more) placer.write([[`+${count}`, theme.now.arrow]], rectangle(near), { bold: true });
}

function writeNames(placer, objects, compared) {
  const nearest = shownObjects(objects).sort((a, b) => Math.hypot(a.x, a.y) - Math.hypot(b.x, b.y));
  for (const object of nearest) {
    const around = rectangle(object);
    if (Math.max(around[2] - around[0], around[3] - around[1]) < LEAST_LABELLED) continue;
    const towards = parts(theme.isDark ? "#ffffff" : "#000000");
    placer.write([[nameOf(object), css(blend(colorOf(object, compared), towards, theme.isDark ? 0.6 : 0.35))]], around);
  }
}
