"""Points to sparse voxels, and sparse convolution over them."""
