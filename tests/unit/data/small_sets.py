"""Small labelled sets for the tests of reading and writing."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from facezoo.data.sources.source import Source
from facezoo.rng import generator


def noise(*words, size=(12, 10)):
    return generator(11, "noise", *words).integers(0, 256, (*size, 3), dtype=np.uint8)


def encode(image, format="PNG", **options):
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, format, **options)
    return stream.getvalue()


def make_folder(root, counts, format="JPEG", suffix=".jpg"):
    """Identity folders: ``counts`` maps names to numbers of images."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number:03d}{suffix}").write_bytes(encode(noise(name, number), format))
    return root


class Drawn(Source):
    """Images from memory, without stored files."""

    def __init__(self, counts, size=(12, 10)):
        self.class_names = list(counts)
        self.labels = np.repeat(np.arange(len(counts)), list(counts.values())).astype(np.int64)
        self.size = size

    def image(self, index):
        return noise("drawn", index, size=self.size)

    def key(self, index):
        return f"drawn {index}"
