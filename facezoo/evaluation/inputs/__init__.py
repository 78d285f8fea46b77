"""Readers of pair lists, IJB tables, stored embeddings and folders of photos."""
