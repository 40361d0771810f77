"""LiDAR bird's-eye-view instance segmentation with occlusion reasoning."""
