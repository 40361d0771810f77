"""Records of points, a NumPy structured array, as the fields of a sensor_msgs/PointCloud2."""

from __future__ import annotations

import numpy as np

from bevseg.messages.fields import HeaderFields, PointCloud2Fields, PointFieldFields

_DATATYPES = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8}
"""sensor_msgs/PointField's numbers of number types."""


def cloud_of_records(records: np.ndarray, header: HeaderFields, *, is_dense: bool) -> PointCloud2Fields:
    """An unorganized cloud whose payload is the memory of the records, not copied.

    Args:
        records: (n,) of a little-endian structured type, contiguous.
        header: Of the message.
        is_dense: Whether no column of any point is NaN.
    """
    layout = records.dtype.fields or {}
    fields = (PointFieldFields(name, at[1], _DATATYPES[at[0].str[1:]]) for name, at in layout.items())
    return PointCloud2Fields(
        header=header,
        height=1,
        width=len(records),
        fields=tuple(fields),
        is_bigendian=False,
        point_step=records.dtype.itemsize,
        row_step=records.nbytes,
        data=records.view(np.uint8),
        is_dense=is_dense,
    )
