"""Backbones, neutral: stage tables, variants, init rule and paper; one file a family."""
