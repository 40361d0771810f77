"""A procedural LiDAR: streets of triangle meshes, ray casting, and truth that is exact. NumPy and Embree, no torch."""
