"""Data sets: reading, writing, sampling, augmentation and loading."""
