"""From sparse voxels to a dense bird's-eye-view map."""
