"""What the model saw, frame by frame: recordings with stored results, and views of them."""
