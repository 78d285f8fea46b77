"""An image with thumbnails of many crops, to check an alignment run by eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from facezoo.align.table import Row
from facezoo.data.image import read_image
from facezoo.errors import DataError
from facezoo.io.files import atomic_write

_LABEL = 11  # height of the text below a crop


def contact_sheet(rows: Sequence[Row], out: str | Path, path: str | Path, *, most: int = 200) -> int:
    """Write a sheet of crops, evenly spaced in the table, each with its score, yaw and name.

    Args:
        rows: rows of the table.
        out: the folder of the table.
        path: path of the sheet, a PNG.
        most: maximum number of crops.

    Returns:
        The number of crops on the sheet.

    Raises:
        DataError: no row has a crop.
    """
    made = [row for row in rows if row["output"]]
    if not made:
        raise DataError(f"{out}: no crop to show on a contact sheet")
    shown = [made[at] for at in np.unique(np.linspace(0, len(made) - 1, min(most, len(made))).round().astype(int))]
    columns = min(len(shown), 20)
    first = Image.fromarray(read_image(Path(out) / shown[0]["output"]))
    side = min(max(first.size), 112)
    step = side + _LABEL + 2
    sheet = Image.new("RGB", (columns * (side + 2), -(-len(shown) // columns) * step), "white")
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(shown):
        left, top = number % columns * (side + 2), number // columns * step
        crop = Image.fromarray(read_image(Path(out) / row["output"]))
        crop.thumbnail((side, side))
        sheet.paste(crop, (left, top))
        label = f"{row['score']:.2f} {row['yaw']:+.0f} {Path(row['output']).stem}"
        draw.text((left, top + side), label[: side // 6], fill="black")
    with atomic_write(path) as part:
        sheet.save(part, "PNG")
    return len(shown)
