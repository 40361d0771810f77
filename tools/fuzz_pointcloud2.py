"""Feeds the decoder of PointCloud2 with messages that are wrong in every way that their structure allows.

    python tools/fuzz_pointcloud2.py --count 200000

A plausible message of a random layout is made, then broken by up to four mutations: of fields, counts, steps, number
types, byte order, stamps and bytes, and of sizes that contradict the data. Each must be decoded, to a cloud whose
columns hold what they promise, or refused with a `PointCloud2Error`. Anything else (another exception, a warning, more
than `_MEMORY_MB`, more than `_PATIENCE_S`) ends the run, and the message is written to where `--failure` says.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from bevseg.messages.pointcloud2 import PointCloud2Error, decode_pointcloud2
from bevseg.points.cloud import PointCloud

_MEMORY_MB = 512
_PATIENCE_S = 5.0
_STAMP_S = 1_700_000_000
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
_OPTIONAL = ("intensity", "reflectivity", "i", "ring", "channel", "line", "t", "time", "timestamp", "time_stamp", "rgb")
_SIZES = (0, 1, 2, 3, 7, 8, 255, 256, 65535, 65536, 65537, 2**20, 2**31 - 1, 2**31, 2**32 - 1)
_OPTIONS: dict[str, Any] = {"with_time": False, "when_all_lost": "empty", "intensity_full_scale": 255.0}
_NUMBERS = (0.0, -1.0, 1.0, 255.0, 256.0, 1e5, 1e9, -1e9, 1e10, 3.4e38, 1e300, -1e308, 5e-324, np.nan, np.inf, -np.inf)

Message = SimpleNamespace


def mutated_message(rng: random.Random, *, wire: bool) -> Message:
    """A message with up to four faults.

    Args:
        rng: Source of all choices.
        wire: Whether every field is to be one that a real message can hold; else numbers and buffers may be others.
    """
    message = _plausible(rng)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        rng.choice(_MUTATIONS)(message, rng)
    if not wire:
        _make_unreal(message, rng)
    return message


def _plausible(rng: random.Random) -> Message:
    """What some driver might send: columns in any order, of any type, with gaps, in rows with padding."""
    names = ["x", "y", "z", *rng.sample(_OPTIONAL, rng.randrange(5))]
    rng.shuffle(names)
    coordinates = rng.choice((7, 7, 7, 8, 3, 5))
    fields, end = [], rng.choice((0, 0, 1, 4))
    for name in names:
        datatype = coordinates if name in "xyz" else rng.randrange(1, 9)
        fields.append(SimpleNamespace(name=name, offset=end, datatype=datatype, count=1))
        end += np.dtype(_TYPES[datatype]).itemsize + rng.choice((0, 0, 0, 3))
    stamp = SimpleNamespace(sec=rng.choice((_STAMP_S, 0, 7)), nanosec=rng.randrange(10**9))
    message = Message(
        header=SimpleNamespace(stamp=stamp, frame_id="lidar"),
        height=rng.choice((1, 1, 1, 2, 4)),
        width=rng.choice((0, 1, 2, 5, 64)),
        fields=fields,
        is_bigendian=rng.random() < 0.2,
        point_step=end,
        row_step=0,
        data=b"",
        is_dense=False,
    )
    message.row_step = message.width * message.point_step + rng.choice((0, 0, 0, 5))
    message.data = _bytes_of(message, rng)
    return message


def _bytes_of(message: Message, rng: random.Random) -> bytes:
    """Numbers of a scan: coordinates of some metres, times within a tenth of a second, small integers elsewhere."""
    payload = bytearray(message.row_step * message.height)
    order = ">" if message.is_bigendian else "<"
    for row in range(message.height):
        for column in range(message.width):
            for field in message.fields:
                value = rng.uniform(-50, 50) if field.name in "xyz" else rng.choice((0, 0.05, 1, 100, 5e7))
                _write(payload, row * message.row_step + column * message.point_step, field, order, value)
    return bytes(payload)


def _write(payload: bytearray, start: int, field: SimpleNamespace, order: str, value: float) -> None:
    kind = np.dtype(order + _TYPES.get(field.datatype, "u1"))
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        value = 0 if np.isnan(value) else int(min(max(value, limits.min), limits.max))
    start += field.offset
    if 0 <= start <= len(payload) - kind.itemsize:
        with np.errstate(over="ignore"):
            payload[start : start + kind.itemsize] = np.array(value, kind).tobytes()


def _change_field(message: Message, rng: random.Random) -> None:
    if message.fields:
        field = rng.choice(message.fields)
        match rng.choice(("name", "offset", "offset", "datatype", "count")):
            case "name":
                field.name = rng.choice(("", "X", "x", "y", "T", "Intensity", "тест", "n" * 300, "x\0"))
            case "offset":
                field.offset = rng.choice((*_SIZES, message.point_step, max(message.point_step - 4, 0)))
            case "datatype":
                field.datatype = rng.choice((0, 9, 255, *_TYPES))
            case _:
                field.count = rng.choice(_SIZES)


def _change_fields(message: Message, rng: random.Random) -> None:
    match rng.choice(("drop", "double", "clear", "shuffle", "overlay", "many")):
        case "drop" if message.fields:
            message.fields.pop(rng.randrange(len(message.fields)))
        case "double" if message.fields:
            message.fields.append(SimpleNamespace(**vars(rng.choice(message.fields))))
        case "clear":
            message.fields = []
        case "overlay":
            for field in message.fields:
                field.offset = 0
        case "many":
            message.fields += [SimpleNamespace(name=f"f{k}", offset=k, datatype=2, count=1) for k in range(200)]
        case _:
            rng.shuffle(message.fields)


def _change_size(message: Message, rng: random.Random) -> None:
    name = rng.choice(("width", "height", "point_step", "row_step"))
    near = getattr(message, name) + rng.choice((-1, 1))
    setattr(message, name, rng.choice((*_SIZES, max(near, 0), max(near, 0))))


def _turn_sizes(message: Message, rng: random.Random) -> None:
    """Contradictions that a check of one product alone would miss."""
    match rng.randrange(4):
        case 0:
            message.width, message.height = message.height, message.width
        case 1:
            message.height, message.row_step = rng.choice(_SIZES), 0
        case 2:
            message.width, message.row_step, message.data = 0, 0, b""
            message.height = rng.choice(_SIZES)
        case _:
            message.point_step = rng.choice(_SIZES[1:])
            message.row_step = message.width * message.point_step


def _change_bytes(message: Message, rng: random.Random) -> None:
    data = bytearray(message.data)
    match rng.choice(("cut", "grow", "flip", "random", "fill", "empty")):
        case "cut":
            data = data[: rng.randrange(len(data) + 1)]
        case "grow":
            data += bytes(rng.choice((1, 4, 4096)))
        case "flip" if data:
            for _ in range(rng.randrange(1, 9)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        case "random":
            data = bytearray(rng.randbytes(len(data)))
        case "fill":
            data = bytearray([rng.choice((0, 0x7F, 0x80, 0xFF))]) * len(data)
        case _:
            data = bytearray()
    message.data = bytes(data)


def _change_numbers(message: Message, rng: random.Random) -> None:
    """Extreme values in one column, at some points or at all."""
    if not message.fields or message.width * message.height > 1000 or message.row_step > 2**20:
        return
    data, field, value = bytearray(message.data), rng.choice(message.fields), rng.choice(_NUMBERS)
    order, share = ">" if message.is_bigendian else "<", rng.choice((0.1, 1.0))
    for place in range(message.width * message.height):
        row, column = divmod(place, message.width)
        if rng.random() < share:
            _write(data, row * message.row_step + column * message.point_step, field, order, value)
    message.data = bytes(data)


def _change_header(message: Message, rng: random.Random) -> None:
    stamp = message.header.stamp
    match rng.choice(("sec", "nanosec", "frame", "endian")):
        case "sec":
            stamp.sec = rng.choice((0, 1, -1, _STAMP_S + 100, 2**31 - 1, -(2**31)))
        case "nanosec":
            stamp.nanosec = rng.choice((0, 10**9 - 1, 10**9, 2**32 - 1))
        case "frame":
            message.header.frame_id = rng.choice(("", "/", "кадр", "f" * 10_000))
        case _:
            message.is_bigendian = not message.is_bigendian


def _make_unreal(message: Message, rng: random.Random) -> None:
    """What no middleware delivers, but another maker of messages might."""
    match rng.randrange(4):
        case 0:
            setattr(message, rng.choice(("width", "height", "point_step", "row_step")), rng.choice((-1, 2**63, 2**80)))
        case 1 if message.fields:
            rng.choice(message.fields).offset = rng.choice((-1, -8, 2**63))
        case 2:
            message.is_bigendian = rng.choice((0, 1, 255))
        case _:
            wide = np.frombuffer(bytes(message.data) * 2, np.uint8)
            kinds = (list(message.data), None, "text", [256], [-1], [0.5], wide[::2], np.zeros((2, 3)), [None], 17)
            message.data = rng.choice(kinds)


_MUTATIONS: tuple[Callable[[Message, random.Random], None], ...] = (
    *(_change_field, _change_size, _change_numbers) * 2,
    *(_change_fields, _turn_sizes, _change_bytes, _change_header),
)


def outcome_of(message: Message, **options: Any) -> str:
    """What the decoder makes of a message: "decoded", "decoded, empty", or the reason of its refusal.

    Args:
        message: To be decoded.
        options: Of `decode_pointcloud2`.

    Raises:
        AssertionError: The cloud does not hold what it promises.
    """
    try:
        cloud = decode_pointcloud2(message, **options)
    except PointCloud2Error as refusal:
        return refusal.reason
    _check_cloud(cloud, message)
    return "decoded" if len(cloud) else "decoded, empty"


def _check_cloud(cloud: PointCloud, message: Message) -> None:
    points = message.width * message.height
    assert len(cloud) + cloud.dropped_non_finite == points, f"{points} points became {len(cloud)}"
    assert np.isfinite(cloud.xyz).all(), "coordinates that are no place"
    assert np.isfinite(cloud.time_s).all(), "times that are no number"
    assert float(cloud.time_s.max(initial=0)) <= 0, "points after the stamp"
    if cloud.intensity is not None:
        assert ((cloud.intensity >= 0) & (cloud.intensity <= 1)).all(), "intensities outside of 0..1"


def to_json(message: Message) -> dict[str, Any]:
    """A message with real bytes as it lies in `tests/messages/corpus`."""
    stamp = vars(message.header.stamp)
    record = {**vars(message), "header": {"stamp": stamp, "frame_id": message.header.frame_id}}
    return {**record, "fields": [vars(field) for field in message.fields], "data": bytes(message.data).hex()}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200_000, help="messages (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--failure", type=Path, default=Path("fuzz-failure.json"), help="where a bad message goes")
    return parser.parse_args()


def _give_up(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"one message took more than {_PATIENCE_S} s of computing")


def main() -> None:
    args = _parse()
    warnings.simplefilter("error")
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + _MEMORY_MB * 2**20, resource.RLIM_INFINITY))
    signal.signal(signal.SIGPROF, _give_up)
    tally, started = Counter[str](), time.perf_counter()
    for index in range(args.count):
        rng = random.Random(f"{args.seed}/{index}")
        message = mutated_message(rng, wire=index % 8 != 0)
        signal.setitimer(signal.ITIMER_PROF, _PATIENCE_S)  # at work: what others take of the machine is no fault
        try:
            outcome = outcome_of(message, **(_OPTIONS if rng.random() < 0.2 else {}))
        except BaseException:
            args.failure.write_text(json.dumps(to_json(message) if isinstance(message.data, bytes) else repr(message)))
            print(f"message {index} of seed {args.seed} failed; it is in {args.failure}", file=sys.stderr)
            raise
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        tally[outcome] += 1
    report = {"messages": tally.total(), "seconds": round(time.perf_counter() - started, 1), "outcomes": dict(tally)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
