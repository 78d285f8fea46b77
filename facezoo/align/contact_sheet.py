"""An image with thumbnails of many crops, to check an alignment run by eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facezoo.align.table import Row
from facezoo.data.image import read_image
from facezoo.errors import DataError
from facezoo.io.sheet import spread, write_sheet, write_sheet_page


def contact_sheet(rows: Sequence[Row], out: str | Path, path: str | Path, *, most: int = 200) -> int:
    """Write a sheet of crops, evenly spaced in the table, each with its score, yaw and name.

    Beside the PNG a page of the same name is written, with the ending ``.html``, where jinja2 is installed.

    Args:
        rows: rows of the table.
        out: the folder of the table.
        path: path of the sheet, a PNG; at most 968 pixels wide.
        most: maximum number of crops.

    Returns:
        The number of crops on the sheet.

    Raises:
        DataError: no row has a crop.
    """
    made = [row for row in rows if row["output"]]
    if not made:
        raise DataError(f"{out}: no crop to show on a contact sheet")
    shown = spread(made, most)
    crops = [read_image(Path(out) / row["output"]) for row in shown]
    labels = [f"{row['score']:.2f} {row['yaw']:+.0f}°\n{row['output']}" for row in shown]
    side = min(max(crops[0].shape[:2]), 112)
    write_sheet(path, crops, labels, side=side)
    note = f"{len(shown)} of {len(made)} crops; below each the detector's score, the yaw in degrees, and the file"
    write_sheet_page(Path(path).with_suffix(".html"), crops, labels, title=f"Crops of {Path(out).name}", subtitle=note)
    return len(shown)
