"""Files on disk: atomic writes, careful NumPy reading, and one restricted unpickler."""
