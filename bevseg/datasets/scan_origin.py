"""Where a scan comes from: the names and files of its dataset that results on it have to be written under."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Integer

from bevseg.points.cloud import PointCloud

Rows = Integer[np.ndarray, "m"] | slice
"""Of a file, as `usable_points` gives them."""


@dataclass(frozen=True, eq=False)
class ScanOrigin:
    """The file that the first points of a sample's cloud were read from; those of joined earlier scans come after them.

    Attributes:
        scan: The set's own name of the scan: number of its file, or nuScenes' token in `sample_data`.
        num_points: Rows of the file.
        kept: The rows that are in the cloud, in their order: others have no place.
        drive: The drive that it is part of, "" where the set has none.
        calibration: The calibration file that goes with it, where there is one.
    """

    scan: str
    num_points: int
    kept: Rows
    drive: str = ""
    calibration: Path | None = None

    @classmethod
    def of(
        cls, scan: str, cloud: PointCloud, kept: Rows, *, drive: str = "", calibration: Path | None = None
    ) -> ScanOrigin:
        """Of a cloud as it was read, which holds the rows that were kept."""
        return cls(scan, len(cloud) + cloud.dropped_non_finite, kept, drive, calibration)

    @property
    def num_kept(self) -> int:
        """Points of the cloud that are of this file."""
        return self.num_points if isinstance(self.kept, slice) else len(self.kept)

    def by_row(self, of_cloud: Integer[np.ndarray, "n"]) -> Integer[np.ndarray, "num_rows"]:
        """Numbers of the cloud's points, one for each row of the file; 0 for rows that are not in the cloud.

        Raises:
            ValueError: The cloud has fewer points than were kept of the file.
        """
        if len(of_cloud) < self.num_kept:
            raise ValueError(
                f"scan {self.scan}: expected numbers of {self.num_kept} points or more, got {len(of_cloud)}"
            )
        rows = np.zeros(self.num_points, of_cloud.dtype)
        rows[self.kept] = of_cloud[: self.num_kept]
        return rows
