"""Pretrained weights: the index, download and verification, model cards, publishing."""

from facezoo.weights.index import get, list_weights, load_index
from facezoo.weights.store import canonical_path, fetch, folder_of

__all__ = ["list_weights", "load_index", "get", "fetch", "folder_of", "canonical_path"]
