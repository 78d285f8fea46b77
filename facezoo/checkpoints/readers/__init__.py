"""Reading weight files from outside without executing code in them, and without any framework."""

from __future__ import annotations

from facezoo.checkpoints.readers.read import read_tree

__all__ = ["read_tree"]
