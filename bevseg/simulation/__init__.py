"""A procedural lidar simulator with exact truth."""
