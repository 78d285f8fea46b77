"""Draw the picture of masks on drawn faces: ``python docs/mask_picture.py`` writes ``docs/assets/masks.jpg``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.transforms.masks.shapes import KINDS, WORN
from facezoo.data.transforms.masks.wear import GENERATORS, WornMask
from facezoo.rng import generator

SIDE, GAP = 128, 6


def draw() -> Image.Image:
    """A row for each generator, a column for each kind, and two columns of masks worn low."""
    masks = [(kind, WORN[0]) for kind in KINDS] + [("surgical", WORN[1]), ("cloth", WORN[2])]
    faces = SyntheticFaces(identities=40, images_per_identity=1, size=SIDE, seed=3)
    step = SIDE + GAP
    sheet = Image.new("RGB", (len(masks) * step - GAP, len(GENERATORS) * step - GAP), "white")
    for row, name in enumerate(GENERATORS):
        for column, (kind, worn) in enumerate(masks):
            face = faces.image(column)
            drawn = WornMask(name, kind, worn).draw(face, generator(row, "picture", column))
            sheet.paste(Image.fromarray(np.asarray(drawn)), (column * step, row * step))
    return sheet


if __name__ == "__main__":
    draw().save(Path(__file__).with_name("assets") / "masks.jpg", quality=90)
