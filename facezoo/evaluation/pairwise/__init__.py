"""Every pair of a set, in tiles, exact."""
