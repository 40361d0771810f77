"""A recording with its results as a ROS 2 bag in MCAP, as if the node had run: for Foxglove and RViz, without ROS."""
