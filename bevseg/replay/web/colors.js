// Colours in dark and in light; those that Python gives stand out on dark ground and are deepened for light ground.

const DARK = {
  background: "#090c10", ground: about.ground, ring: "rgba(104, 122, 143, .36)", ringText: "#8b9bb0", ego: "#ecf0f5",
  egoFill: "rgba(236, 240, 245, .18)", text: "#e8edf3", plate: "rgba(9, 12, 16, .72)", shade: "#0d1015", quiet: "#8b97a6",
  arrow: about.arrow, truth: "#ffffff", veil: "rgba(6, 8, 11, .62)", lighten: "#ffffff", focus: "#ffffff", grid: "#262e39",
  broken: "#b9405a", plateInk: "#080a0e",
};
const LIGHT = {
  background: "#e4e8ed", ground: ["#e4e8ed", "#fbfcfd", "#c9d3dd", "#dad5e4"], ring: "rgba(70, 86, 106, .26)",
  ringText: "#6a788a", ego: "#26303c", egoFill: "rgba(38, 48, 60, .16)", text: "#17202b", plate: "rgba(255, 255, 255, .84)",
  shade: "#ffffff", quiet: "#566273", arrow: "#9a6200", truth: "#000000", veil: "rgba(238, 241, 245, .72)",
  lighten: "#000000", focus: "#000000", grid: "#d9dee5", broken: "#b9405a", plateInk: "#080a0e",
};
const LIGHT_TONES = [[168, 180, 194], [120, 134, 150], [62, 74, 90], [24, 32, 44]];
const DEEPEST = 0.5;

const preferred = matchMedia("(prefers-color-scheme: dark)");

const theme = {
  get isDark() {
    const chosen = document.documentElement.style.colorScheme;
    return chosen ? chosen === "dark" : preferred.matches;
  },
  get now() { return this.isDark ? DARK : LIGHT; },
  change() { document.documentElement.style.colorScheme = this.isDark ? "light" : "dark"; },
};

const parts = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
const css = ([red, green, blue], alpha = 1) => `rgba(${red | 0}, ${green | 0}, ${blue | 0}, ${alpha})`;
const blend = (from, to, amount) => from.map((v, k) => v + (to[k] - v) * amount);

function deepened(color) {
  const [red, green, blue] = color, luminance = (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
  return color.map((v) => v * Math.min(1, DEEPEST / luminance));
}

// As it is painted on the ground of the theme.
function ink(hex) {
  return theme.isDark ? parts(hex) : deepened(parts(hex));
}

// An object has the colour of what became of it where results are compared with the truth, else its own.
function colorOf(object, compared) {
  const known = compared && object.outcome !== null && object.outcome !== undefined;
  return ink(known ? about.outcomes[object.outcome].color : object.color);
}

const packed = ([red, green, blue], alpha = 235) => ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;

function toneTable() {
  const table = new Uint32Array(256);
  for (let k = 0; k < 256; k += 1) {
    const at = (k / 255) * (LIGHT_TONES.length - 1), stop = Math.min(Math.floor(at), LIGHT_TONES.length - 2);
    table[k] = packed(theme.isDark ? about.tones.slice(3 * k, 3 * k + 3) : blend(LIGHT_TONES[stop], LIGHT_TONES[stop + 1], at - stop));
  }
  return table;
}

const classTable = () => Uint32Array.from(about.classes, ({ color }) => packed(ink(color)));

// Points of an object stand out from its mask: lighter on dark, darker on light.
function ownerTable(objects, compared) {
  const towards = theme.isDark ? [255, 255, 255] : [0, 0, 0];
  return Uint32Array.from([null, ...objects], (o) => (o ? packed(blend(colorOf(o, compared), towards, 0.36), 255) : 0));
}

const hatches = new Map();

function hatch(context, color) {
  const key = css(color);
  if (!hatches.has(key)) {
    const side = Math.round(7 * view.ratio), tile = element("canvas", { width: side, height: side }), pen = tile.getContext("2d");
    pen.fillStyle = css(color, 0.13);
    pen.fillRect(0, 0, side, side);
    pen.strokeStyle = css(color, 0.92);
    pen.lineWidth = 1.5 * view.ratio;
    for (const shift of [-side, 0, side]) {
      pen.beginPath();
      pen.moveTo(shift - 2, side + 2);
      pen.lineTo(shift + side + 2, -2);
      pen.stroke();
    }
    hatches.set(key, tile);
  }
  const pattern = context.createPattern(hatches.get(key), "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / view.ratio));
  return pattern;
}
