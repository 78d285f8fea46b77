"""Photos to decisions: the same person or not, and which person."""
