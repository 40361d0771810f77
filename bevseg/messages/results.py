"""What a scene becomes in messages, all in one place for those who publish it."""

from __future__ import annotations

from bevseg.messages.clouds import labelled_points, objects_table
from bevseg.messages.maps import class_map, grid_metadata, instance_map, visibility_grid
from bevseg.messages.objects import detected_objects, detections, instance_array

__all__ = [
    "class_map",
    "detected_objects",
    "detections",
    "grid_metadata",
    "instance_array",
    "instance_map",
    "labelled_points",
    "objects_table",
    "visibility_grid",
]
