// The heads-up tables beside the scene: failures by kind with ways to the frames that show them, and counts by class.

const SIGHT_WORDS = {
  merged: ["merged", "one prediction lies over several true objects"],
  split: ["split", "several predictions lie on one true object"],
  missed: ["missed", "nothing was found where a true object is"],
  false: ["false", "a prediction where nothing is"],
  label: ["label", "the mask is right, the class is not"],
  twice: ["twice", "found already by another prediction"],
  shape: ["shape", "too large, too small, shifted or turned"],
  hidden: ["much hidden", "objects of which little is seen"],
  "low-score": ["low score", "objects that the model is unsure of"],
  "order-cycle": ["order cycle", "objects that hide each other in a circle"],
  broken: ["broken", "frames that cannot be read, or have no result"],
};

function colorOfSight(sight) {
  if (sight.outcome !== null) return about.outcomes[sight.outcome].color;
  const own = { hidden: theme.now.arrow, broken: theme.now.broken };
  return own[sight.key] ?? theme.now.quiet;
}

const sum = (counts) => counts.reduce((a, b) => a + b, 0);
const countsOf = (summary, sight) => summary.sights[sight.key] ?? [];
const countOf = (summary, sight) => sum(countsOf(summary, sight));

// Of one result alone; a frame that cannot be read is broken for all of them.
const countIn = (summary, sight, r) => (summary.broken === undefined ? countsOf(summary, sight)[r] ?? 0 : countOf(summary, sight));

// The names of two results that are compared; none where there is but one.
function comparedNames() {
  const names = store.summaries.find((summary) => summary.results)?.results ?? [];
  return names.length > 1 ? names : [];
}

const byName = (count) => comparedNames().map((name, r) => `${name} ${count(r)}`).join(", ");

function shownSights() {
  return about.sights.filter((sight) => store.summaries.some((summary) => countOf(summary, sight)));
}

// The next frame that shows it, over the end if need be; -1 where none does.
function nextWith(sight, place, way) {
  const total = store.length;
  for (let k = 1; k <= total; k += 1) {
    const candidate = (((place + way * k) % total) + total) % total;
    if (countOf(store.summaries[candidate], sight)) return candidate;
  }
  return -1;
}

function sightRow(sight, state, jump) {
  const [word, meaning] = SIGHT_WORDS[sight.key], here = store.summaries[state.place];
  const framesOf = (count) => store.summaries.filter((summary) => count(summary)).length, names = comparedNames();
  const now = names.length ? names.map((_, r) => countIn(here, sight, r)) : [countOf(here, sight)];
  const isChosen = state.sight?.key === sight.key;
  const go = (way, label, sign) => {
    const button = element("button", { type: "button", "data-jump": sight.key, "data-way": String(way), "aria-label": label }, sign);
    button.addEventListener("click", () => jump(sight, way));
    return button;
  };
  const name = element("button", { type: "button", class: "kind", "data-kind": sight.key, "aria-pressed": String(isChosen), title: meaning },
    swatch(colorOfSight(sight)), word);
  name.addEventListener("click", () => jump(isChosen ? null : sight, 0));
  return element("tr", { class: isChosen ? "chosen" : sum(now) ? "" : "none" }, element("td", {}, name),
    ...now.map((count) => element("td", { class: "n now" }, String(count))),
    element("td", { class: "n", title: byName((r) => framesOf((summary) => countIn(summary, sight, r))) },
      String(framesOf((summary) => countOf(summary, sight)))),
    element("td", { class: "go" }, go(-1, `earlier frame: ${word}`, "◂"), go(1, `later frame: ${word}`, "▸")));
}

function showSights(state, jump) {
  const sights = shownSights(), names = comparedNames();
  if (!sights.length) return $("failures").replaceChildren();
  const counted = [...(names.length ? names : ["here"]), "frames"].map((word) => element("th", { class: "n", title: word }, word));
  const head = [element("th", {}, "look for"), ...counted, element("th", {}, "")];
  return $("failures").replaceChildren(element("h2", {}, sights.some((s) => s.outcome !== null) ? "Failures and finds" : "Finds"),
    element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...sights.map((s) => sightRow(s, state, jump)))));
}

function tally(objects) {
  const counts = new Map();
  for (const { label } of objects) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

function showCounts(frame) {
  const columns = frame.results.map((result) => [frame.results.length > 1 || frame.truth ? result.name : "objects", tally(result.objects)]);
  if (frame.truth) columns.push(["truth", tally(frame.truth.filter((object) => !object.ignored))]);
  const outcome = frame.results.find((result) => result.truthOutcome)?.truthOutcome;
  if (outcome) columns.push(["that counts", tally(frame.truth.filter((object) => about.outcomes[outcome[object.k]].word !== "ignored"))]);
  const labels = [...new Set(columns.flatMap(([, counts]) => [...counts.keys()]))].sort((a, b) => a - b);
  const cells = (values) => values.map((value) => element("td", { class: "n" }, value ? String(value) : "–"));
  const rows = labels.map((label) => element("tr", { "data-label": about.classes[label].name },
    element("th", { scope: "row" }, swatch(css(ink(about.classes[label].color))), about.classes[label].name), ...cells(columns.map(([, counts]) => counts.get(label)))));
  const sums = columns.map(([, counts]) => element("td", { class: "n" }, String(sum([...counts.values()]))));
  const total = element("tr", { class: "total" }, element("th", { scope: "row" }, "all"), ...sums);
  const head = [element("th", {}, "class"), ...columns.map(([name]) => element("th", { class: "n", title: name }, name))];
  $("counts").replaceChildren(element("h2", {}, "In this frame"),
    element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows, total)));
}

function legend(frame, state) {
  const entries = [["seen", "visible part"], ["hatched", "hidden part"], ["box", "box and heading"], ["arrow", `hides, and how much of it; +3 where one hides three more than the ${about.arrowsOfOne} shown`]];
  if (frame.truth) entries.push(["dashed", "truth"]);
  const isCompared = state.layers.has("difference") && frame.results.some((result) => result.outcomeKnown);
  const outcomes = isCompared ? about.outcomes.map(({ word, color }) => element("span", {}, swatch(color), word)) : [];
  const ground = about.states.map((name, k) => element("span", {}, element("i", { class: "tone", style: `background:${theme.now.ground[k]}` }), name));
  const part = (title, entries_) => [element("h3", {}, title), element("p", { class: "entries" }, ...entries_)];
  return [
    ...part("Objects", entries.map(([kind, text]) => element("span", {}, element("i", { class: `sign ${kind}` }), text))),
    ...(isCompared ? part("Colour: what became of it", outcomes) : []),
    ...part("Ground", ground),
  ];
}
