"""Draws what the messages of one scan in a bag hold, and nothing else: what RViz or Foxglove would be given to show.

    bevseg replay drive --ros --output out.mcap
    python tools/draw_messages.py out.mcap messages.png --scan 5

Left: /bevseg/output/visibility below /bevseg/output/points (coloured by their field `instance`) below every line and
word of /bevseg/output/markers. Right: /bevseg/output/instance_map and /bevseg/output/class_map, each cell in a colour
for its number. It is no screenshot of either program.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Integer, UInt8
from rosbags.highlevel import AnyReader

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.messages.fields import MarkerType
from bevseg.messages.pointcloud2 import decode_pointcloud2
from bevseg.results.scene import CellState

TOPICS = ("visibility", "points", "markers", "instance_map", "class_map")
SIZE, CAPTION = 1000, 46
_OCCUPANCY = {-1: CellState.HIDDEN, 0: CellState.FREE, 100: CellState.OCCUPIED}


def read_scan(bag: Path, scan: int, node: str = "/bevseg") -> dict[str, Any]:
    """The messages of one scan by the names of `TOPICS`.

    Raises:
        ValueError: The bag has no such topic, or fewer messages on it.
    """
    found = {}
    with AnyReader([bag]) as reader:
        for name in TOPICS:
            connections = [c for c in reader.connections if c.topic == f"{node}/output/{name}"]
            messages = reader.messages(connections) if connections else iter(())
            for connection, _, data in islice(messages, scan, None):
                found[name] = reader.deserialize(data, connection.msgtype)
                break
            else:
                raise ValueError(f"{bag}: has no message {scan} on {node}/output/{name}")
    return found


def draw(messages: dict[str, Any], *, range_m: float) -> UInt8[np.ndarray, "h w 3"]:
    """All in one picture; x goes up and y to the left, as ever."""
    scene = _captioned(_scene(messages, range_m), "visibility + points (by instance) + markers")
    half = (SIZE - 2 * CAPTION) // 2
    maps = []
    for name in ("instance_map", "class_map"):
        shown = cv2.resize(_map(messages[name]), (half, half), interpolation=cv2.INTER_AREA)
        maps.append(_captioned(shown, f"{name} ({messages[name].encoding}), whole grid"))
    return np.concatenate([scene, np.concatenate(maps)[: scene.shape[0]]], axis=1)


def _scene(messages: dict[str, Any], range_m: float) -> UInt8[np.ndarray, "h w 3"]:
    image = np.full((SIZE - CAPTION, SIZE, 3), palette.BACKGROUND, np.uint8)
    canvas = Canvas(image, BevView(-range_m * 0.8, range_m * 1.2), SIZE / 900)
    _ground(canvas, messages["visibility"])
    _points(canvas, messages["points"])
    for marker in messages["markers"].markers:
        if marker.type == MarkerType.LINE_LIST:
            _lines(canvas, marker)
    for marker in messages["markers"].markers:
        if marker.type == MarkerType.TEXT_VIEW_FACING:
            _words(canvas, marker)
    return image


def _ground(canvas: Canvas, message: Any) -> None:
    """Every pixel by the value of its cell in the nav_msgs/OccupancyGrid."""
    rows, columns = np.mgrid[0 : canvas.height, 0 : canvas.width]
    scale = canvas.pixels_per_m
    x_m = canvas.view.x_max_m - (rows + 0.5) / scale
    y_m = canvas.view.y_center_m + (canvas.width / 2 - columns - 0.5) / scale
    info = message.info
    column = np.floor((x_m - info.origin.position.x) / info.resolution).astype(int)
    row = np.floor((y_m - info.origin.position.y) / info.resolution).astype(int)
    inside = (column >= 0) & (column < info.width) & (row >= 0) & (row < info.height)
    values = np.asarray(message.data).reshape(info.height, info.width)[row[inside], column[inside]]
    tones = {value: np.array(palette.ground_color(state), np.uint8) for value, state in _OCCUPANCY.items()}
    for value, tone in tones.items():
        canvas.image[tuple(axis[inside][values == value] for axis in (rows, columns))] = tone


def _points(canvas: Canvas, message: Any) -> None:
    offset = next(field.offset for field in message.fields if field.name == "instance")
    records = np.asarray(message.data).reshape(-1, message.point_step)
    instance = records[:, offset : offset + 4].copy().view("<u4").ravel()
    place = canvas.to_pixels(decode_pointcloud2(message).xyz[:, :2].astype(np.float64)).round().astype(int)
    inside = ((place >= 0) & (place < (canvas.width, canvas.height))).all(axis=1)
    colors = palette.object_colors(instance.astype(np.int64))
    colors[instance == 0] = (84, 100, 120)
    canvas.image[place[inside, 1], place[inside, 0]] = colors[inside]


def _lines(canvas: Canvas, marker: Any) -> None:
    """Two points a line, in the colour of the first."""
    ends = np.array([(point.x, point.y) for point in marker.points]).reshape(-1, 2, 2)
    colors = np.array([(c.r, c.g, c.b) for c in marker.colors]).reshape(-1, 2, 3)[:, 0]
    pixels = canvas.to_pixels(ends)
    for color in np.unique(colors, axis=0):
        ink = tuple(round(255 * channel) for channel in color.tolist())
        canvas.lines(pixels[(colors == color).all(axis=1)], (ink[0], ink[1], ink[2]), closed=False)


def _words(canvas: Canvas, marker: Any) -> None:
    place = np.array([[marker.pose.position.x, marker.pose.position.y]])
    if canvas.shows(place)[0]:
        column, row = canvas.to_pixels(place)[0].tolist()
        ink = tuple(round(255 * channel) for channel in (marker.color.r, marker.color.g, marker.color.b))
        canvas.text(marker.text, left=column + 6, baseline=row, size=10.0, color=(ink[0], ink[1], ink[2]))


def _map(message: Any) -> UInt8[np.ndarray, "w h 3"]:
    """A colour for each number, 0 dark; x up and y to the left, where the message has x to the right and y down."""
    kind = {"mono16": "<u2", "mono8": "u1"}[message.encoding]
    values: Integer[np.ndarray, "h w"] = np.asarray(message.data).view(kind).reshape(message.height, message.width)
    flat = values.ravel().astype(np.int64)
    colors = (palette.object_colors(flat) if kind == "<u2" else palette.class_colors()[flat]).reshape(*values.shape, 3)
    colors[values == 0] = palette.BACKGROUND
    return np.ascontiguousarray(colors.transpose(1, 0, 2)[::-1, ::-1])


def _captioned(image: UInt8[np.ndarray, "h w 3"], words: str) -> UInt8[np.ndarray, "h2 w 3"]:
    """With the words in a bar above."""
    bar = np.full((CAPTION, image.shape[1], 3), palette.PANEL, np.uint8)
    canvas = Canvas(bar, BevView(0.0, 1.0), 1.0)
    canvas.text(words, left=14.0, baseline=31.0, size=18.0, color=palette.TEXT)
    return np.concatenate([bar, image])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bag", type=Path)
    parser.add_argument("picture", type=Path, help=".png or .jpg")
    parser.add_argument("--scan", type=int, default=0)
    parser.add_argument("--range", type=float, default=30.0, metavar="M", help="half the ground that is shown")
    args = parser.parse_args()
    picture = draw(read_scan(args.bag, args.scan), range_m=args.range)
    options = [cv2.IMWRITE_JPEG_QUALITY, 88] if args.picture.suffix == ".jpg" else []
    if not cv2.imwrite(str(args.picture), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options):
        raise SystemExit(f"{args.picture} could not be written")


if __name__ == "__main__":
    main()
