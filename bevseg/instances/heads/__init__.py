"""Instance heads, one family a file."""
