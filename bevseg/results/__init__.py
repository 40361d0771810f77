"""What comes out for one scan, and its one stored form. NumPy only."""
