"""Simulated drives as a dataset in the nuScenes schema."""
