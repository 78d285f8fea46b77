"""From a source to batches: samplers, workers, cache and loader."""
