"""Synthetic faces: a person, a shot of the person, and the layers that are drawn onto a canvas.

Pixels are computed by additions, multiplications, divisions and square roots only, so the results are the same on
every platform. Coordinates are those of the 112 x 112 template of aligned faces, whatever the size of the canvas.
"""

from __future__ import annotations

from facezoo.data.drawing.face import draw
from facezoo.data.drawing.person import Person, random_person
from facezoo.data.drawing.shot import Shot, random_shot

__all__ = ["Person", "Shot", "draw", "random_person", "random_shot"]
