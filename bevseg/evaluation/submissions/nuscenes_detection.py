"""nuScenes' detection results: one JSON with the boxes of every sample, in the map's frame.

nuScenes wants an attribute for each box; it follows from class and speed by a rule, as in CenterPoint (Yin et al.,
CVPR 2021): what moves is `moving` or has a rider, the rest has the attribute that most of its class have. A velocity
that is not known (a single sweep) is written as 0, since the format has no other word for it.

Source: nuscenes-devkit 1.2.0, `nuscenes/eval/detection/README.md`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from bevseg.datasets.sample import Sample
from bevseg.evaluation.submissions.checks import SubmissionError, check_objects
from bevseg.evaluation.submissions.json_stream import separated, write_text_parts
from bevseg.geometry.frames import Transform
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup
from bevseg.results.classes import SemanticClass as C
from bevseg.results.instances import Instances

MOST_BOXES = 500
"""Of one sample; the official evaluator takes no more."""

_MOVING_MPS = 0.2

_AT_REST = {
    ClassGroup.VEHICLE: "vehicle.parked",
    ClassGroup.PEDESTRIAN: "pedestrian.standing",
    ClassGroup.TWO_WHEELER: "cycle.without_rider",
    ClassGroup.STATIC: "",
}
_MOVING = {
    ClassGroup.VEHICLE: "vehicle.moving",
    ClassGroup.PEDESTRIAN: "pedestrian.moving",
    ClassGroup.TWO_WHEELER: "cycle.with_rider",
    ClassGroup.STATIC: "",
}
_AT_UNKNOWN_SPEED = {C.PEDESTRIAN: "pedestrian.moving", C.BUS: "vehicle.moving"}
"""Where most of a class are not at rest."""


@dataclass(frozen=True, eq=False)
class PlacedObjects:
    """The objects of one sample and where its scan was taken.

    Attributes:
        token: nuScenes' token of the sample.
        instances: Boxes and velocities in the scan's own frame; velocities over the ground.
        T_global_from_lidar: Pose of the x-forward sensor frame in nuScenes' global frame.
    """

    token: str
    instances: Instances
    T_global_from_lidar: Transform

    @classmethod
    def of_sample(cls, sample: Sample, instances: Instances) -> PlacedObjects:
        """What was found in a scan of a reader whose names are nuScenes' tokens."""
        return cls(sample.name, instances, sample.T_global_from_ego @ sample.T_ego_from_lidar)


class SampleBoxes(NamedTuple):
    """What a submission holds of one sample: `detection_boxes` of it."""

    token: str
    boxes: list[dict[str, Any]]


def write_nuscenes_detections(path: Path, samples: Iterable[SampleBoxes], *, uses_external_data: bool = True) -> None:
    """Writes a submission while its samples are given.

    Args:
        path: The JSON file.
        samples: All samples of the split that is scored, those without objects too.
        uses_external_data: Whether anything beside nuScenes was learned from, as simulated streets are.

    Raises:
        SubmissionError: A sample comes twice.
    """
    head = f'{{"meta": {json.dumps(modalities(uses_external_data))},\n"results": {{'
    rows = separated(_once(samples))
    write_text_parts(path, (part for parts in ((head,), rows, ("}}",)) for part in parts))


def modalities(uses_external_data: bool) -> dict[str, bool]:
    """What the results were made from, as nuScenes asks in every submission."""
    used = {"use_camera": False, "use_lidar": True, "use_radar": False, "use_map": False}
    return {**used, "use_external": uses_external_data}


def best_objects(instances: Instances) -> Instances:
    """The `MOST_BOXES` of the highest scores, in their order."""
    if len(instances) <= MOST_BOXES:
        return instances
    return instances[np.sort(np.argsort(-instances.score, kind="stable")[:MOST_BOXES])]


def _once(samples: Iterable[SampleBoxes]) -> Iterator[str]:
    """Each sample as JSON, and none twice."""
    tokens: set[str] = set()
    for token, boxes in samples:
        if token in tokens:
            raise SubmissionError(f"frame {token}: expected one entry for each frame, got two")
        tokens.add(token)
        yield f"{json.dumps(token)}: {json.dumps(boxes, allow_nan=False)}"


def detection_boxes(sample: PlacedObjects) -> list[dict[str, Any]]:
    """The objects of one sample as nuScenes' `DetectionBox` reads them: size w, l, h; quaternion w, x, y, z.

    Raises:
        SubmissionError: An object is unfit, or there are more than the evaluator takes.
    """
    instances, rotation = sample.instances, sample.T_global_from_lidar.matrix[:3, :3]
    check_objects(instances, frame=sample.token)
    if len(instances) > MOST_BOXES:
        raise SubmissionError(f"frame {sample.token}: expected {MOST_BOXES} objects at most, got {len(instances)}")
    boxes = instances.boxes.astype(np.float64)
    centre = sample.T_global_from_lidar.apply(boxes[:, :3])
    half_yaw = _headings(boxes, rotation) / 2
    velocity = instances.velocity_mps.astype(np.float64) @ rotation[:2, :2].T
    return [
        {
            "sample_token": sample.token,
            "translation": centre[k].tolist(),
            "size": boxes[k, [4, 3, 5]].tolist(),
            "rotation": [float(np.cos(half_yaw[k])), 0.0, 0.0, float(np.sin(half_yaw[k]))],
            "velocity": np.nan_to_num(velocity[k]).tolist(),
            "detection_name": C(label).label,
            "detection_score": float(instances.score[k]),
            "attribute_name": attribute_name(C(label), float(np.hypot(*velocity[k]))),
        }
        for k, label in enumerate(instances.label.tolist())
    ]


def attribute_name(label: C, speed_mps: float) -> str:
    """The attribute of an object by its class and speed (NaN where unknown); "" for cones and barriers."""
    group = ClassGroup(int(GROUP_OF_CLASS[label]))
    if np.isnan(speed_mps):
        return _AT_UNKNOWN_SPEED.get(label, _AT_REST[group])
    return _MOVING[group] if speed_mps > _MOVING_MPS else _AT_REST[group]


def _headings(boxes: Float[np.ndarray, "k 7"], rotation: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "k"]:
    """Yaw of each box in the frame that `rotation` leads to: of its length's shadow on the ground there."""
    along = np.stack([np.cos(boxes[:, 6]), np.sin(boxes[:, 6]), np.zeros(len(boxes))], axis=1) @ rotation.T
    heading: np.ndarray = np.arctan2(along[:, 1], along[:, 0])
    return heading
