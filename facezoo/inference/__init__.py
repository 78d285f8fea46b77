"""From images to embeddings: crops, photos, and galleries on disk."""
