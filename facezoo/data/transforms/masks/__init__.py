"""Masks drawn on faces, as an augmentation and for masked copies of data sets."""
