"""Point clouds: reading, writing, joining sweeps."""
