"""Uncertainty of figures: intervals, bootstrap, calibration and thresholds."""
