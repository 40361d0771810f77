"""From BEV features to objects and point labels."""
