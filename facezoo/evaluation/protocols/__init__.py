"""Protocols: declarative files and the tasks that carry them out."""
