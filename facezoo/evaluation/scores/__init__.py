"""Scores of pairs: input checks, similarity and ROC."""
