"""Packing, checking and writing data sets."""
