"""Which of the faces in a photo are kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facezoo.interfaces.detector import Face


def choose(faces: Sequence[Face], rule: str, height: int, width: int) -> list[Face]:
    """The faces that a rule keeps.

    Args:
        faces: of one photo.
        rule: "largest" by the box's area, "central" by the distance from its middle to the photo's, or "all",
            largest first.
        height: of the photo.
        width: of the photo.
    """
    if not faces:
        return []
    boxes = np.stack([face.box for face in faces]).astype(np.float64)  # (N, 4)
    by_area = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), kind="stable")
    if rule == "all":
        return [faces[index] for index in by_area]
    if rule == "largest":
        return [faces[by_area[0]]]
    away = (boxes[:, :2] + boxes[:, 2:]) / 2 - [width / 2, height / 2]
    return [faces[int(np.hypot(*away.T).argmin())]]
