"""Where things are: frames, the BEV grid, boxes. Knows nothing of lidar or learning."""
