// Which part of the ground is shown, how large; x (forward) is up, y (left) is left. One view for all panes.
// Until somebody has chosen a part, the view fits the window.

const BEHIND = 26, AHEAD = 46, LEAST_SCALE = 1.5, MOST_SCALE = 160;

const view = {
  x: 0, y: 0, scale: 10, width: 0, height: 0, ratio: 1, isChosen: false,

  toScreen([x, y]) {
    return [this.width / 2 - (y - this.y) * this.scale, this.height / 2 - (x - this.x) * this.scale];
  },

  toGround([column, row]) {
    return [this.x - (row - this.height / 2) / this.scale, this.y - (column - this.width / 2) / this.scale];
  },

  shows([x, y], margin = 0) {
    const [column, row] = this.toScreen([x, y]), more = margin * this.scale;
    return column > -more && row > -more && column < this.width + more && row < this.height + more;
  },

  fit() {
    this.x = (AHEAD - BEHIND) / 2;
    this.y = 0;
    this.scale = Math.min(this.height / (AHEAD + BEHIND), this.width / 44);
    this.isChosen = false;
  },

  zoom(factor, [column, row] = [this.width / 2, this.height / 2]) {
    const [x, y] = this.toGround([column, row]);
    this.isChosen = true;
    this.scale = Math.min(Math.max(this.scale * factor, LEAST_SCALE), MOST_SCALE);
    this.x = x + (row - this.height / 2) / this.scale;
    this.y = y + (column - this.width / 2) / this.scale;
  },

  move(columns, rows) {
    this.isChosen = true;
    this.x += rows / this.scale;
    this.y += columns / this.scale;
  },
};

const NEAR_A_CLICK = 4;

// Wheel, drag and pinch move the view; a click without a way picks, as does the mouse alone.
function steer(target, { moved, hovered, picked, left }) {
  const fingers = new Map();
  let start = null;
  const place = (event) => {
    const bounds = target.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  target.addEventListener("wheel", (event) => {
    event.preventDefault();
    view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), place(event));
    moved();
  }, { passive: false });
  target.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    target.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    start = fingers.size === 1 ? place(event) : null;
  });
  target.addEventListener("pointermove", (event) => {
    const now = place(event), before = fingers.get(event.pointerId);
    if (!before) return hovered(now, event.pointerType);
    if (start && Math.hypot(now[0] - start[0], now[1] - start[1]) > NEAR_A_CLICK) start = null;
    if (fingers.size === 1) {
      if (start) return undefined;
      view.move(now[0] - before[0], now[1] - before[1]);
    } else {
      pinch([...fingers].find(([finger]) => finger !== event.pointerId)[1], before, now);
    }
    fingers.set(event.pointerId, now);
    return moved();
  });
  for (const ended of ["pointerup", "pointercancel"]) {
    target.addEventListener(ended, (event) => {
      if (ended === "pointerup" && start && fingers.size === 1) picked(place(event), event.pointerType);
      fingers.delete(event.pointerId);
      start = null;
    });
  }
  target.addEventListener("pointerleave", () => { if (!fingers.size) left(); });
}

function pinch(other, before, now) {
  const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const from = middle(other, before), to = middle(other, now);
  view.move(to[0] - from[0], to[1] - from[1]);
  view.zoom(apart(other, now) / Math.max(apart(other, before), 1), to);
}
