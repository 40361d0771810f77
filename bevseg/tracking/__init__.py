"""Identities of objects over time. NumPy only."""
