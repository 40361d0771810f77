"""A recording in a window: keys, clicks and time become frames on a screen, whatever toolkit draws it.

The screen asks nothing and decides nothing, and frames are read by a thread, so that the window answers while a frame
is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from bevseg.drawing.shown import Shown
from bevseg.replay.export import Tally
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.pictures import Look, shown_of
from bevseg.replay.prefetch import Prefetcher
from bevseg.replay.scene_cameras import Eye, eye_of
from bevseg.replay.scene_geometry import SceneGeometry, box_edges
from bevseg.replay.scene_picking import Followed, Picked, Ray, follow, found_again, picked
from bevseg.replay.scene_window import WindowState
from bevseg.replay.scene_words import Label, Row, about, heads_up, help_rows, labels_of

_AHEAD, _BEHIND = 3, 1
"""Frames that are kept beside the one that is shown."""
_LONGEST_PAUSE_S = 1.0
"""Chosen frames may lie minutes apart: so long is waited at most."""


@dataclass(frozen=True)
class Pressed:
    """A key, by its name in `scene_window.KEYS`."""

    key: str


@dataclass(frozen=True, eq=False)
class Clicked:
    """A place in the scene that was clicked."""

    ray: Ray


Event = Pressed | Clicked


@runtime_checkable
class Screen(Protocol):
    """What a toolkit does."""

    def poll(self) -> list[Event] | None:
        """Lets the window answer for a moment; what its user did meanwhile, None where it was closed."""

    def draw(self, geometry: SceneGeometry | None, labels: Sequence[Label]) -> None:
        """Replaces the scene; None for an empty one."""

    def mark(self, segments: Float32[np.ndarray, "s 2 3"]) -> None:
        """Replaces the lines around the object that was clicked."""

    def look_from(self, eye: Eye) -> None:
        """Puts the camera there."""

    def write(self, head: tuple[Row, ...], chosen: tuple[Row, ...], keys: tuple[Row, ...]) -> None:
        """Replaces the words at the head, about the object that was clicked, and about keys; empty for none."""


@dataclass
class Session:
    """What is shown, and what of it is drawn already.

    Attributes:
        screen: Draws.
        frames: Reads them by their places among those that are played.
        look: Title, layers and colours.
        state: What the window shows.
        tally: Each frame that was shown, once.
    """

    screen: Screen
    frames: Prefetcher[Frame | BrokenFrame]
    look: Look
    state: WindowState
    tally: Tally = field(default_factory=Tally)
    _place: int = field(default=-1, init=False)
    _frame: Frame | BrokenFrame | None = field(default=None, init=False)
    _shown: Shown | None = field(default=None, init=False)
    _ground_z_m: float = field(default=0.0, init=False)
    _chosen: Picked | None = field(default=None, init=False)
    _followed: Followed | None = field(default=None, init=False)
    _seen: set[int] = field(default_factory=set, init=False)
    _drawn: tuple[object, ...] = field(default=(), init=False)
    _written: tuple[object, ...] = field(default=(), init=False)
    _aimed: int = field(default=-1, init=False)

    def run(self, clock: Callable[[], float] = time.monotonic) -> Tally:
        """Until the window is closed."""
        before = clock()
        while not self.state.closed and (events := self.screen.poll()) is not None:
            now = clock()
            for event in events:
                self._answer(event)
            if self._place == self.state.playback.frame:  # time stands still while a frame is read
                self.state = replace(self.state, playback=self.state.playback.advanced(now - before))
            before = now
            self._fetch()
            self._draw()
        return self.tally

    def _answer(self, event: Event) -> None:
        match event:
            case Pressed(key):
                self.state = self.state.pressed(key)
            case Clicked(ray) if self._shown is not None and isinstance(self._frame, Frame):
                self._chosen = picked(self._shown, ray)
                pose = self._frame.T_fixed_from_cloud
                self._followed = follow(self._shown, self._chosen, pose) if self._chosen else None

    def _fetch(self) -> None:
        """Takes the frame that is due if it has been read, and has the next ones read."""
        playback = self.state.playback
        place = playback.frame
        past = [k for k in range(place - 1, place - 1 - _BEHIND, -1) if self.frames.peek(k) is not None]
        frame = self.frames.ready(place, (*playback.upcoming(_AHEAD), *past))
        if frame is None:
            return
        if place != self._place:
            self._place, self._frame = place, frame
            if place not in self._seen:
                self._seen.add(place)
                self.tally.add(frame)
        self.state = replace(self.state, playback=playback.paced(self._period_s(frame)))

    def _period_s(self, frame: Frame | BrokenFrame) -> float:
        """By the stamps of the frame and of that which comes next; as before where they do not tell."""
        playback = self.state.playback
        following = next(iter(playback.upcoming(1)), playback.frame)
        then = self.frames.peek(following)
        if not isinstance(frame, Frame) or not isinstance(then, Frame) or following <= playback.frame:
            return playback.period_s
        elapsed_s = (then.time_s - frame.time_s) / (following - playback.frame)
        return min(elapsed_s, _LONGEST_PAUSE_S) if elapsed_s > 0 else playback.period_s

    def _draw(self) -> None:
        """Brings to the screen what has changed."""
        if self._frame is None:
            return
        state = self.state
        wanted = (self._place, state.layers, state.coloring, state.result)
        if wanted != self._drawn:
            self._draw_scene(self._frame)
            self._drawn = wanted
        if state.aimed != self._aimed and self._shown is not None:
            self.screen.look_from(eye_of(state.preset, self._ground_z_m))
            self._aimed = state.aimed
        reading = self._place != state.playback.frame
        written = (wanted, reading, state.playback.playing, state.playback.speed, state.playback.loop, state.helping)
        if (*written, self._chosen) != self._written:
            self._write(self._frame, reading=reading)
            self._written = (*written, self._chosen)

    def _draw_scene(self, frame: Frame | BrokenFrame) -> None:
        if isinstance(frame, BrokenFrame):
            self._shown, self._chosen = None, None
            self.screen.draw(None, ())
            return
        look = replace(self.look, layers=self.state.layers, coloring=self.state.coloring)
        self._shown = shown_of(frame, frame.predictions[self.state.result], look)
        geometry = SceneGeometry.of(self._shown)
        self._ground_z_m = geometry.ground_z_m
        self.screen.draw(geometry, labels_of(geometry))
        pose = frame.T_fixed_from_cloud
        self._chosen = found_again(self._shown, self._followed, pose) if self._followed else None
        if self._chosen is not None:
            self._followed = follow(self._shown, self._chosen, pose)

    def _write(self, frame: Frame | BrokenFrame, *, reading: bool) -> None:
        head = heads_up(self.state, frame, self._shown, reading=reading)
        chosen = about(self._shown, self._chosen) if self._shown and self._chosen else ()
        self.screen.write(head, chosen, help_rows() if self.state.helping else ())
        self.screen.mark(self._edges())

    def _edges(self) -> Float32[np.ndarray, "s 2 3"]:
        if self._shown is None or self._chosen is None:
            return np.zeros((0, 2, 3), np.float32)
        truth = self._shown.truth
        of_truth = self._chosen.kind == "truth" and truth is not None
        boxes = truth.boxes if of_truth and truth is not None else self._shown.scene.instances.boxes
        return box_edges(boxes[[self._chosen.k]])
