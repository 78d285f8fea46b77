"""Metrics: verification, identification, templates, video, quality, fairness and comparison."""
