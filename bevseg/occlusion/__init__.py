"""What is hidden, by whom, and in which order."""
