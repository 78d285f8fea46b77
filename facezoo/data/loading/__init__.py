"""Batches from a source: samplers, workers, cache and loader."""
