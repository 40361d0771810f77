"""One HTML page that shows an evaluation: it opens from disk, needs no network, and holds its pictures."""
