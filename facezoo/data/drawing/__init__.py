"""Drawing faces: a person, a shot of the person, and the layers that put both on a canvas.

Only additions, multiplications, divisions and square roots touch the pixels, so the same numbers come out on
each platform. Coordinates are those of the 112 x 112 template of aligned faces, whatever the canvas's size.
"""

from __future__ import annotations

from facezoo.data.drawing.face import draw
from facezoo.data.drawing.person import Person, random_person
from facezoo.data.drawing.shot import Shot, random_shot

__all__ = ["Person", "Shot", "draw", "random_person", "random_shot"]
