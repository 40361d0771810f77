// Which object is under the mouse, and all that is known of it.

const AROUND = 5, LEAST_AROUND = 0.25;

// An object is remembered by its id, which is steady from frame to frame; a true one by its track.
function reference(object, r) {
  return object.isTruth ? { r, truth: object.track, k: object.k } : { r, id: object.id };
}

function resolve(ref, frame, r) {
  if (!ref || (ref.id !== undefined && ref.r !== r)) return null;
  if (ref.id !== undefined) return frame.results[r]?.objects.find((object) => object.id === ref.id) ?? null;
  return frame.truth?.find((object) => (ref.truth >= 0 ? object.track === ref.truth : object.k === ref.k)) ?? null;
}

function outside(box, [x, y]) {
  const dx = x - box.x, dy = y - box.y, c = Math.cos(box.yaw), s = Math.sin(box.yaw);
  return Math.max(Math.abs(c * dx + s * dy) - box.length / 2, Math.abs(c * dy - s * dx) - box.width / 2);
}

// Of the objects in reach the smallest; true ones where nothing was found, if they can be seen.
function pick(frame, r, place, state) {
  const ground = view.toGround(place), reach = Math.max(AROUND / view.scale, LEAST_AROUND);
  const result = frame.results[r];
  if (!result) return null;
  const near = (objects) => objects.filter((object) => outside(object, ground) < reach)
    .sort((a, b) => Math.max(outside(a, ground), 0) - Math.max(outside(b, ground), 0) || a.length * a.width - b.length * b.width)[0];
  const compared = state.layers.has("difference") && result.truthOutcome;
  const found = near(result.objects);
  const missed = frame.truth && compared
    ? near(frame.truth.filter((object) => about.outcomes[result.truthOutcome[object.k]].failure)) : null;
  const object = found ?? missed ?? (frame.truth && state.layers.has("truth") ? near(frame.truth) : null);
  return object ? reference(object, r) : null;
}

const row = (name, ...value) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, ...value));

function bar(amount, color) {
  const seen = element("i", { style: `width:${(100 * amount).toFixed(1)}%;background:${color}` });
  return element("span", { class: "bar", style: `--tone:${color}` }, seen);
}

function swatch(color, isHollow = false) {
  return element("i", { class: isHollow ? "swatch hollow" : "swatch", style: `--tone:${color}` });
}

const metres = (value) => `${value.toFixed(1)} m`;
const distanceOf = (object) => Math.hypot(object.x, object.y);

function bearing(object) {
  const angle = Math.round((Math.atan2(object.y, object.x) * 180) / Math.PI), side = angle > 0 ? "left" : "right";
  if (Math.abs(angle) <= 5) return "ahead";
  return Math.abs(angle) >= 175 ? "behind" : `${Math.abs(angle)}° to the ${side}`;
}

function visibility(object, color, source) {
  if (object.visible === null) return ["not known"];
  return [bar(object.visible, color), ` ${percent(object.visible)}`, element("small", {}, source ? ` ${source}` : "")];
}

function others(list, compared, look) {
  if (!list.length) return [element("span", { class: "quiet" }, "nobody")];
  return list.map(({ other, share: amount }) => objectButton(other, css(colorOf(other, compared)), look, element("b", {}, percent(amount))));
}

// Leads to another object; a true one has no number, so its distance tells it apart.
function objectButton(object, color, look, ...more) {
  const words = object.isTruth ? `${nameOf(object)} at ${metres(distanceOf(object))}` : nameOf(object);
  const key = object.isTruth ? { "data-truth": String(object.k) } : { "data-id": String(object.id) };
  const button = element("button", { type: "button", class: "other", ...key }, swatch(color, object.isTruth), words, ...more);
  button.addEventListener("click", () => look(object));
  return button;
}

function outcomeChip(k) {
  const { word, color } = about.outcomes[k];
  return element("span", { class: "outcome", style: `--tone:${color}` }, word);
}

function ordinal(k) {
  const tens = k % 100, ending = tens > 10 && tens < 14 ? "th" : ["th", "st", "nd", "rd"][k % 10] ?? "th";
  return `${k}${ending}`;
}

function cardOfObject(object, result, compared, look) {
  const color = css(colorOf(object, compared)), [length, width, height] = [object.length, object.width, object.height];
  const speed = object.velocity ? Math.hypot(...object.velocity) : null;
  const circle = result.cycles.find((cycle) => cycle.includes(object.k));
  return [
    row("score", object.score.toFixed(2)),
    row("distance", `${metres(distanceOf(object))}, ${bearing(object)}`),
    row("size", `${length.toFixed(1)} × ${width.toFixed(1)} × ${height.toFixed(1)} m`),
    row("speed", speed === null ? "not known" : `${speed.toFixed(1)} m/s (${Math.round(speed * 3.6)} km/h)`),
    row("visible", ...visibility(object, color, result.counted === "unknown" ? "" : result.counted)),
    row("order", `${ordinal(object.rank + 1)} of ${result.objects.length}, near to far`,
      circle ? element("small", {}, " in a circle of hiding") : null),
    row("hidden by", ...others(object.hiddenBy, compared, look)),
    row("hides", ...others(object.hides, compared, look)),
  ];
}

function cardOfTruth(object) {
  return [
    row("", "a true object"),
    row("distance", `${metres(distanceOf(object))}, ${bearing(object)}`),
    row("size", `${object.length.toFixed(1)} × ${object.width.toFixed(1)} × ${object.height.toFixed(1)} m`),
    row("points", String(object.points)),
    row("visible", ...visibility(object, "var(--quiet)", "")),
  ];
}

const outcomeCalled = (mark) => about.outcomes[mark.outcome].word;

// The failures that an object takes part in: as what they are about, as a part, or as one of those that were merged.
function marksOf(object, result) {
  if (!object.isTruth) return result.marks.filter((mark) => mark.prediction === object.k || (outcomeCalled(mark) === "split" && mark.involved.includes(object.k)));
  return result.marks.filter((mark) => mark.outcome === result.truthOutcome[object.k]
    && (mark.truth === object.k || (outcomeCalled(mark) === "merged" && mark.involved.includes(object.k))));
}

// What a failure is, of which objects, and how bad.
function saidOf(mark, object, frame, result, look) {
  const button = (other) => objectButton(other, css(other.isTruth ? ink(about.outcomes[mark.outcome].color) : colorOf(other, true)), look);
  const truths = (places) => places.map((k) => button(frame.truth[k])), found = (places) => places.map((k) => button(result.objects[k]));
  const involved = {
    merged: () => (object.isTruth ? ["by", ...found([mark.prediction])] : ["lies over, of the truth:", ...truths(mark.involved)]),
    split: () => [...(object.isTruth ? [] : ["lies, of the truth, on", ...truths([mark.truth])]), "parts:", ...found(mark.involved)],
    label: () => (object.isTruth ? ["found as", ...found([mark.prediction])] : []),
  }[outcomeCalled(mark)]?.() ?? [];
  const words = [mark.text, ...involved, element("small", {}, mark.measure)].flatMap((word) => [word, " "]);
  return element("p", { class: "said", style: `--tone:${about.outcomes[mark.outcome].color}` }, ...words);
}

function showCard(frame, state, look) {
  const section = $("inspect"), ref = state.focus, object = ref && resolve(ref, frame, ref.r);
  if (!object) {
    const words = state.pin ? "The chosen object is not in this frame. Esc lets it go." : "Point at an object to ask about it; a click keeps it.";
    return section.replaceChildren(element("p", { class: "hint" }, words), ...legend(frame, state));
  }
  const result = frame.results[ref.r], compared = state.layers.has("difference") && result.outcomeKnown;
  const outcome = object.isTruth ? result.truthOutcome?.[object.k] : object.outcome;
  const color = object.isTruth ? css(ink(about.outcomes[outcome ?? 0].color)) : css(colorOf(object, compared));
  const heading = element("h2", {}, swatch(color, object.isTruth), nameOf(object),
    outcome === null || outcome === undefined ? null : outcomeChip(outcome),
    state.pin ? element("small", { class: "pin" }, "kept · Esc") : null);
  const marks = result.outcomeKnown ? marksOf(object, result).map((mark) => saidOf(mark, object, frame, result, look)) : [];
  const rows = object.isTruth ? cardOfTruth(object) : cardOfObject(object, result, compared, look);
  return section.replaceChildren(heading, ...marks, element("table", { class: "card" }, element("tbody", {}, ...rows)));
}
