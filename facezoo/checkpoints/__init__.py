"""Weights and runs on disk, in canonical names."""
