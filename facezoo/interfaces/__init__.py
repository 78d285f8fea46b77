"""Abstract classes: shapes, errors and meaning said once, for both backends."""
