"""Frames as one page that plays a clip in any browser, from disk, without a server and without the network."""
