"""Two finished runs on the same frames, side by side, and how sure their difference is."""
