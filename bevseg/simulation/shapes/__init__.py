"""Parametric triangle meshes of the ten thing classes and of the street around them."""
