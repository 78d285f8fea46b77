"""Confidence intervals, bootstrap, calibration and thresholds."""
