"""What the node costs, how long it lasts, what it survives: measured between processes, on the loopback interface."""
