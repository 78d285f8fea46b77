"""Synthetic faces: a data set without files, of any size.

For a first run, tests and demonstrations. A network trained on it learns to verify unseen synthetic identities, and
nothing about real faces.
"""

from __future__ import annotations

import functools

import numpy as np

from facezoo.data.drawing.face import draw, landmarks
from facezoo.data.drawing.person import Person, random_person
from facezoo.data.drawing.shot import shot_of
from facezoo.data.sources.source import Source
from facezoo.errors import ConfigError
from facezoo.rng import generator

_person = functools.lru_cache(maxsize=4096)(random_person)


class SyntheticFaces(Source):
    """Procedurally drawn faces. An identity is a shape, colours and features.

    An image adds pose, light, expression, occlusion and camera. Image k of identity i depends on (seed, i, k) and
    ``size`` only: sets of different lengths share their images, and sets with disjoint identity ranges share none.

    Args:
        identities: C, 1 or more.
        images_per_identity: 1 or more.
        seed: of the population.
        size: side of the images in pixels, 16..512.
        first_identity: number of label 0 in the population, for a set that shares no identity with another.

    Raises:
        ConfigError: a number is out of range.

    >>> SyntheticFaces(2, 3).labels.tolist()
    [0, 0, 0, 1, 1, 1]
    """

    def __init__(
        self,
        identities: int = 200,
        images_per_identity: int = 20,
        seed: int = 0,
        size: int = 112,
        first_identity: int = 0,
    ) -> None:
        limits = {
            "identities": (identities, 1, 10**7),
            "images_per_identity": (images_per_identity, 1, 10**6),
            "seed": (seed, 0, 2**63),
            "size": (size, 16, 512),
            "first_identity": (first_identity, 0, 10**9),
        }
        for name, (value, low, high) in limits.items():
            if not low <= value <= high:
                raise ConfigError(f"synthetic faces: {name} is {value}; expected {low}..{high}")
        self.identities, self.images_per_identity = identities, images_per_identity
        self.seed, self.size, self.first_identity = seed, size, first_identity
        self.labels = np.repeat(np.arange(identities, dtype=np.int64), images_per_identity)
        self.class_names = [f"drawn-{first_identity + label:06d}" for label in range(identities)]

    def _who(self, index: int) -> tuple[int, int]:
        """(number of the identity in the population, number of the image)."""
        if not 0 <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        label, number = divmod(int(index), self.images_per_identity)
        return self.first_identity + label, number

    def image(self, index: int) -> np.ndarray:
        """Draw image ``index``: uint8 RGB (size, size, 3)."""
        identity, number = self._who(index)
        noise = generator(self.seed, "camera", identity, number)
        return draw(self.person(index), shot_of(self.seed, identity, number), noise, self.size)

    def key(self, index: int) -> str:
        """Population, identity and image, such as ``synthetic-0/drawn-000003/0007``."""
        identity, number = self._who(index)
        return f"synthetic-{self.seed}/drawn-{identity:06d}/{number:04d}"

    def person(self, index: int) -> Person:
        """The person in image ``index``."""
        return _person(self.seed, self._who(index)[0])

    def landmarks(self, index: int) -> np.ndarray:
        """The five landmarks of image ``index`` in pixels, (column, row), float64 (5, 2)."""
        identity, number = self._who(index)
        return landmarks(self.person(index), shot_of(self.seed, identity, number), self.size)
