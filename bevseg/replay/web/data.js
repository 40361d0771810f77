// What the page was given: names and colours, and the frames, which are opened when they are wanted and kept for a while.

const $ = (id) => document.getElementById(id);
const about = JSON.parse($("about").textContent);
const KEPT_FRAMES = 40;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && key !== "style" && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const store = {
  summaries: [],
  opened: new Map(),

  // Frames come in while the page is read: those whose element is followed by another one are there as a whole.
  gather(isComplete) {
    for (;;) {
      const place = this.summaries.length, block = $(`frame${place}`);
      if (!block || !(isComplete || block.nextSibling)) return;
      this.summaries.push(JSON.parse($(`summary${place}`).textContent));
    }
  },

  get length() { return this.summaries.length; },

  open(place) {
    let frame = this.opened.get(place);
    if (frame) {
      this.opened.delete(place);
    } else {
      const { broken, index } = this.summaries[place];
      const text = $(`frame${place}`).textContent;
      frame = broken === undefined ? unpackFrame(text) : Promise.resolve({ index, broken, results: [], truth: null });
    }
    this.opened.set(place, frame);
    if (this.opened.size > KEPT_FRAMES) this.opened.delete(this.opened.keys().next().value);
    return frame;
  },
};
