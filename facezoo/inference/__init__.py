"""Embeddings of crops and photos, and galleries on disk."""
