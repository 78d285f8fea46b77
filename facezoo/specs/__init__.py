"""Neutral descriptions of backbones: stage tables, variants, init rule and paper; one file per family."""
