// What the page does: it shows frames, and answers to buttons, keys and the mouse.

const LAYERS = {
  points: ["points", "p"], ground: ["visibility map", "v"], masks: ["masks", "m"], boxes: ["boxes", "b"], arrows: ["who hides whom", "a"],
  labels: ["names", "i"], velocity: ["velocity", "w"], tracks: ["tracks", "t"], rings: ["rings", "r"], truth: ["truth", "u"],
  difference: ["difference", "d"],
};
const COLORINGS = { object: "object", class: "class", height: "height", intensity: "intensity" };
const KEYS = [
  ["space", "play, pause"], ["← →", "a frame back, on (with shift: ten)"], ["Home End", "first, last frame"], ["[ ]", "slower, faster"],
  ["l", "loop"], ["f F", "next, previous frame that shows what is looked for"], ["1 2 3 4", "points by object, class, height, intensity"],
  ...Object.values(LAYERS).map(([name, key]) => [key, name]), ["+ − 0", "closer, farther, whole view"], ["n", "light, dark"],
  ["Esc", "let the kept object go"], ["?", "these keys"],
];

const state = { layers: new Set(about.layers), coloring: about.coloring, place: 0, frame: null, hover: null, pin: null, sight: null,
  get focus() { return this.hover ?? this.pin; } };
const panes = [];

function layOut() {
  const count = Math.max(state.frame?.results.length ?? 1, 1);
  while (panes.length < count) {
    const pane = new Pane(panes.length);
    panes.push(pane);
    $("panes").append(pane.box);
    steer(pane.over, {
      moved: paint,
      hovered: (place) => look({ hover: pick(state.frame, pane.r, place, state) }),
      picked: (place, by) => { const ref = pick(state.frame, pane.r, place, state); look({ pin: ref, hover: by === "mouse" ? ref : null }); },
      left: () => look({ hover: null }),
    });
  }
  const [width, height] = panes[0].size.map((side) => Math.max(side, 1)), ratio = Math.min(devicePixelRatio, 2);
  if (view.width === width && view.height === height && view.ratio === ratio) return;
  Object.assign(view, { width, height, ratio });
  hatches.clear();
  for (const pane of panes) pane.resize();
  if (!view.isChosen) view.fit();
}

let isDue = false;

// Many wishes, one picture.
function paint() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(paintNow);
}

function paintNow() {
  isDue = false;
  if (state.frame?.broken === undefined) for (const pane of panes) pane.paint(state.frame, state);
}

function look(change) {
  const before = JSON.stringify([state.focus, state.pin]);
  Object.assign(state, change);
  if (before === JSON.stringify([state.focus, state.pin])) return;
  for (const pane of panes) pane.look(state.frame, state);
  showCard(state.frame, state, keep);
}

const keep = (object) => look({ pin: reference(object, state.focus.r), hover: null });

function showFrame(frame, place) {
  const summary = store.summaries[place];
  Object.assign(state, { frame, place });
  $("broken").hidden = frame.broken === undefined;
  $("panes").classList.toggle("away", frame.broken !== undefined);
  $("place").textContent = summary.name ?? "";
  if (frame.broken === undefined) {
    layOut();
    paintNow();
    showCard(frame, state, keep);
    showCounts(frame);
    showSwitches();
  } else {
    $("broken").lastElementChild.textContent = frame.broken;
    $("inspect").replaceChildren();
    $("counts").replaceChildren();
  }
  const time = summary.time === undefined ? "" : `  ·  ${summary.time.toFixed(1)} s`;
  $("clock").textContent = `frame ${summary.index} of 0 to ${summary.total - 1}${time}`;
  showThinned(summary);
  showSights(state, jump);
  strip.paint(state);
  showDeck();
}

function showThinned({ points }) {
  const isThinned = points && points[0] < points[1];
  $("thinned").textContent = points ? `${isThinned ? `${points[0].toLocaleString("en")} of ${points[1].toLocaleString("en")} points shown: thinned to keep the page small` : `${points[1].toLocaleString("en")} points`}` : "";
}

function jump(sight, way) {
  state.sight = sight;
  const target = sight === null ? -1 : way ? nextWith(sight, state.place, way) : countOf(store.summaries[state.place], sight) ? -1 : nextWith(sight, state.place, 1);
  if (way) player.toggle(false);
  if (target >= 0 && target !== state.place) return player.seek(target);
  showSights(state, jump);
  strip.paint(state);
  return paint();
}

function showSwitches() {
  const frame = state.frame, has = { truth: frame.truth !== null, difference: frame.results.some((result) => result.outcomeKnown) };
  for (const chip of $("layers").children) {
    const layer = chip.dataset.layer;
    chip.setAttribute("aria-pressed", String(state.layers.has(layer)));
    chip.hidden = layer in has && !has[layer];
  }
  for (const button of $("coloring").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.coloring === state.coloring));
    button.disabled = button.dataset.coloring === "intensity" && !frame.points.intensity;
  }
}

function switchLayer(layer) {
  if (!state.layers.delete(layer)) state.layers.add(layer);
  if (state.frame?.broken === undefined) refresh();
}

function color(coloring) {
  state.coloring = coloring;
  if (state.frame?.broken === undefined) refresh();
}

function refresh() {
  showSwitches();
  showCard(state.frame, state, keep);
  paint();
}

function changeTheme() {
  theme.change();
  themed();
}

function themed() {
  hatches.clear();
  if (!state.frame) return;
  showFrame(state.frame, state.place);
}

function zoomBy(factor) {
  if (factor) view.zoom(factor); else view.fit();
  paint();
}

const DEEDS = {
  first: () => player.seek(0), back: () => player.step(-1), play: () => player.toggle(), on: () => player.step(1),
  last: () => player.seek(store.length - 1), loop: () => { player.loop = !player.loop; showDeck(); },
};

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT" || $("keys").open) return;
  if (event.target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
  const layer = Object.keys(LAYERS).find((name) => LAYERS[name][1] === event.key);
  const far = event.shiftKey ? 10 : 1;
  const deeds = {
    " ": DEEDS.play, ArrowLeft: () => player.step(-far), ArrowRight: () => player.step(far), Home: DEEDS.first, End: DEEDS.last,
    "[": () => player.faster(-1), "]": () => player.faster(1), l: DEEDS.loop, f: () => state.sight && jump(state.sight, 1),
    F: () => state.sight && jump(state.sight, -1), "+": () => zoomBy(1.4), "=": () => zoomBy(1.4), "-": () => zoomBy(1 / 1.4), 0: () => zoomBy(0),
    n: changeTheme, Escape: () => look({ pin: null, hover: null }), "?": () => $("keys").showModal(),
  };
  const coloring = Object.keys(COLORINGS)[Number(event.key) - 1];
  const deed = layer ? () => switchLayer(layer) : coloring ? () => color(coloring) : deeds[event.key];
  if (!deed) return;
  event.preventDefault();
  deed();
}

function build() {
  $("title").textContent = about.title;
  const chip = ([layer, [name, key]]) => {
    const button = element("button", { type: "button", "data-layer": layer, title: `key ${key}`, "aria-pressed": "false" }, name);
    button.addEventListener("click", () => switchLayer(layer));
    return button;
  };
  $("layers").append(...Object.entries(LAYERS).map(chip));
  $("coloring").append(element("span", {}, "points by"), ...Object.entries(COLORINGS).map(([coloring, name]) => {
    const button = element("button", { type: "button", "data-coloring": coloring, "aria-pressed": "false" }, name);
    button.addEventListener("click", () => color(coloring));
    return button;
  }));
  $("speed").append(...SPEEDS.map((speed) => element("option", { value: String(speed) }, `${speed}×`)));
  $("keys").append(element("h2", {}, "Keys"), element("table", {}, element("tbody", {}, ...KEYS.map(([key, deed]) => (
    element("tr", {}, element("th", {}, element("kbd", {}, key)), element("td", {}, deed)))))), element("p", { class: "quiet" },
    "The wheel and two fingers zoom, a drag moves. Point at an object to see what hides it."));
}

function connect() {
  for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", () => DEEDS[button.dataset.do]());
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => zoomBy(Number(button.dataset.zoom)));
  $("speed").addEventListener("change", () => { player.speed = Number($("speed").value); });
  $("scrub").addEventListener("input", () => player.seek(Number($("scrub").value)));
  $("theme").addEventListener("click", changeTheme);
  $("help").addEventListener("click", () => $("keys").showModal());
  $("keys").addEventListener("click", () => $("keys").close());
  document.addEventListener("keydown", press);
  preferred.addEventListener("change", themed);
  strip.steer((place) => player.seek(place));
  new ResizeObserver(() => {
    if (!state.frame || state.frame.broken !== undefined) return;
    layOut();
    paint();
    strip.paint(state);
  }).observe($("stage"));
}

// Called by the page itself: when its first frame has come in, and when all have.
const replay = {
  async begin() {
    build();
    connect();
    store.gather(false);
    await player.seek(0);
    $("opening").hidden = true;
    performance.mark("first frame");
  },

  complete(total) {
    store.gather(true);
    $("scrub").max = String(total - 1);
    if (!state.frame) return;
    showFrame(state.frame, state.place);
  },
};
