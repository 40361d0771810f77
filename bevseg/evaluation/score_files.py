"""The scores of one frame as one small file: written by whoever scored it, read by whoever adds up.

A file of `safetensors` with the arrays, and in its header the tree that they hang in, as JSON. Reading one never runs
code from it. Whoever interrupts an evaluation loses the frames at hand and no other; machines that share an evaluation
exchange these files and add up exact counts; and two runs are compared frame by frame.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bevseg.evaluation.calibration import Reliability
from bevseg.evaluation.confusion import ObjectConfusion
from bevseg.evaluation.diagnosis import Diagnosis
from bevseg.evaluation.failure_kinds import Failures
from bevseg.evaluation.failure_tally import FailureTally
from bevseg.evaluation.frame_scores import Scores
from bevseg.evaluation.ground_cells import GroundCellCounts
from bevseg.evaluation.hidden_objects import AmodalCurve, VisibleFractionError
from bevseg.evaluation.mask_ap import MaskApCounts
from bevseg.evaluation.mask_detections import FrameDetections
from bevseg.evaluation.mask_quality import MaskQuality
from bevseg.evaluation.mask_scores import CategoryMasks, MaskScores
from bevseg.evaluation.order_scores import OrderScores
from bevseg.evaluation.ordering import OrderCounts
from bevseg.evaluation.panoptic import SemanticCounts
from bevseg.evaluation.scores import MatchCounts
from bevseg.whole_files import write_whole

VERSION = 1
"""Counted up whenever what is counted changes, so that scores of two versions are never added."""

_KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        AmodalCurve, CategoryMasks, Diagnosis, FailureTally, Failures, FrameDetections, GroundCellCounts, MaskApCounts,
        MaskQuality, MaskScores, MatchCounts, ObjectConfusion, OrderCounts, OrderScores, Reliability, Scores,
        SemanticCounts, VisibleFractionError,
    )
}  # fmt: skip
"""What a tree may hold; nothing else is made of a file."""


class ScoreFileError(ValueError):
    """A file of scores is damaged, or of another version."""


def write_scores(path: Path, scores: Scores) -> None:
    """Writes the scores of a frame, whole or not at all."""
    arrays: dict[str, np.ndarray] = {}
    tree = _as_tree(scores, arrays)
    header = {"version": str(VERSION), "tree": json.dumps(tree, allow_nan=False)}
    write_whole(path, save(arrays, header))


def read_scores(path: Path) -> Scores:
    """Reads what `write_scores` wrote.

    Raises:
        ScoreFileError: The file is missing, damaged or of another version; it names the file and what to do.
    """
    try:
        with safe_open(path, "np") as stored:
            header = stored.metadata() or {}
            if header.get("version") != str(VERSION):
                raise ScoreFileError(
                    f"{path}: expected scores of version {VERSION}, got {header.get('version', 'none')}: they were "
                    "counted by another bevseg; score the frames again"
                )
            names = list(stored.keys())
            scores = _from_tree(json.loads(header["tree"]), {name: stored.get_tensor(name) for name in names})
    except (SafetensorError, OSError, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ScoreFileError(f"{path}: cannot be read ({error}): remove it and the frame is scored again") from error
    if not isinstance(scores, Scores):
        raise ScoreFileError(f"{path}: expected the scores of a frame, got {type(scores).__name__}")
    return scores


def _as_tree(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """JSON in which each array is replaced by its name in `arrays`, which is filled."""
    if is_dataclass(value):
        parts = {field.name: _as_tree(getattr(value, field.name), arrays) for field in fields(value)}
        return {"kind": type(value).__name__, "fields": parts}
    match value:
        case np.ndarray():
            name = f"{len(arrays):04d}"
            arrays[name] = np.ascontiguousarray(value)
            return {"array": name}
        case Mapping():
            return {"mapping": [[key, _as_tree(item, arrays)] for key, item in value.items()]}
        case tuple():
            return {"tuple": [_as_tree(item, arrays) for item in value]}
        case frozenset():
            return {"frozenset": sorted(value)}
        case int() | float() | str():
            return value
    raise TypeError(f"scores cannot hold {type(value).__name__}")


def _from_tree(tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    match tree:
        case {"kind": kind, "fields": parts}:
            return _KINDS[kind](**{name: _from_tree(part, arrays) for name, part in parts.items()})
        case {"array": name}:
            return arrays[name]
        case {"mapping": pairs}:
            return {key: _from_tree(item, arrays) for key, item in pairs}
        case {"tuple": items}:
            return tuple(_from_tree(item, arrays) for item in items)
        case {"frozenset": items}:
            return frozenset(items)
    return tree
