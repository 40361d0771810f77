// Which frame is shown when. Scrubbing shows what it can: a frame is painted, then the one that is wanted by then.

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4, 8];

const player = {
  wanted: 0, shown: -1, running: null, playing: false, loop: true, speed: 1, waited: 0, before: 0,

  seek(place) {
    this.wanted = Math.min(Math.max(place, 0), store.length - 1);
    this.running ??= this.run().finally(() => { this.running = null; });
    return this.running;
  },

  async run() {
    while (this.shown !== this.wanted) {
      const place = this.wanted, frame = await store.open(place);
      this.shown = place;
      showFrame(frame, place);
      if (this.playing && store.length > 1) store.open((place + 1) % store.length);
      await new Promise((done) => { requestAnimationFrame(done); });
    }
  },

  toggle(plays = !this.playing) {
    this.playing = plays && store.length > 1;
    if (this.playing && !this.loop && this.wanted === store.length - 1) this.seek(0);
    Object.assign(this, { waited: 0, before: performance.now() });
    if (this.playing) requestAnimationFrame((now) => this.tick(now));
    showDeck();
  },

  // Frames that the clock passed over are left out; while one is being opened the clock waits.
  tick(now) {
    if (!this.playing) return;
    const period = 1000 / about.framesPerSecond;
    if (!this.running) this.waited += Math.max(now - this.before, 0) * this.speed;
    this.before = now;
    const passed = Math.floor(this.waited / period);
    if (passed && !this.running) {
      this.waited -= passed * period;
      const target = this.wanted + passed, last = store.length - 1;
      if (target > last && !this.loop) {
        this.seek(last);
        return this.toggle(false);
      }
      this.seek(target % store.length);
    }
    return requestAnimationFrame((later) => this.tick(later));
  },

  step(frames) {
    this.toggle(false);
    const target = this.wanted + frames, total = store.length;
    return this.seek(this.loop ? ((target % total) + total) % total : target);
  },

  faster(steps) {
    this.speed = SPEEDS[Math.min(Math.max(SPEEDS.indexOf(this.speed) + steps, 0), SPEEDS.length - 1)];
    showDeck();
  },
};

function showDeck() {
  const play = $("play");
  play.toggleAttribute("data-playing", player.playing);
  play.setAttribute("aria-label", player.playing ? "pause" : "play");
  $("loop").setAttribute("aria-pressed", String(player.loop));
  $("speed").value = String(player.speed);
  $("scrub").value = String(player.wanted);
}
