"""Simulated drives as datasets in the formats of others, for their tools to read."""
