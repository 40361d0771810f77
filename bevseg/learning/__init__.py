"""Training: targets, losses, augmentation, the trainer."""
