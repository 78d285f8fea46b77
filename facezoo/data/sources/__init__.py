"""Data sets as sources of images and labels."""
