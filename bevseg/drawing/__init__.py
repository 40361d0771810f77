"""A scene to layers to pixels."""
