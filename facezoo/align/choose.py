"""Which of the faces in a photo are kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facezoo.errors import UnknownNameError
from facezoo.interfaces.detector import Face

RULES = {"largest": "the largest box", "central": "the face nearest to the middle", "all": "every face"}


def check_rule(rule: str) -> None:
    """Raise UnknownNameError unless ``rule`` is one of :data:`RULES`."""
    if rule not in RULES:
        raise UnknownNameError("choice of face", rule, RULES)


def choose(faces: Sequence[Face], rule: str, height: int, width: int) -> list[Face]:
    """The faces that a rule keeps.

    Args:
        faces: the faces of one photo.
        rule: "largest" by the area of the box, "central" by the distance from its centre to the photo's centre, or
            "all", largest first.
        height: of the photo, in pixels.
        width: of the photo, in pixels.

    Raises:
        UnknownNameError: there is no such rule.

    >>> choose([], "largest", 480, 640)
    []
    """
    check_rule(rule)
    if not faces:
        return []
    boxes = np.stack([face.box for face in faces]).astype(np.float64)  # (N, 4)
    if rule == "central":
        distance = (boxes[:, :2] + boxes[:, 2:]) / 2 - [width / 2, height / 2]
        return [faces[int(np.hypot(*distance.T).argmin())]]
    by_area = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), kind="stable")
    return [faces[index] for index in (by_area if rule == "all" else by_area[:1])]
