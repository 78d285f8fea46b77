"""Sheets of many small pictures with labels: an image for any viewer, and a page for light, dark and small screens."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from facezoo.io.files import atomic_write
from facezoo.io.html import jpeg_picture, write_html
from facezoo.io.printable import printable

Item = TypeVar("Item")

COLUMNS = 8
GAP = 8  # pixels between pictures
FONT_SIZE = 12


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most ``most`` of the items, evenly spaced.

    >>> spread("abcdefg", 3)
    ['a', 'd', 'g']
    """
    chosen = np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int))
    return [items[at] for at in chosen]


def write_sheet(
    path: str | Path, images: Iterable[np.ndarray], labels: Sequence[str], *, side: int = 112, columns: int = COLUMNS
) -> None:
    """Write pictures in rows, each with its whole label below it, as a PNG.

    Args:
        path: of the PNG, which appears complete or not at all.
        images: uint8 RGB (H, W, 3) each; larger ones are shrunk.
        labels: one for each image, with line breaks; long lines are broken once more.
        side: largest side of a picture, in pixels.
        columns: pictures in a row; the sheet is ``columns * (side + 8) + 8`` pixels wide.
    """
    from PIL import Image, ImageDraw, ImageFont

    font: Any = ImageFont.load_default(FONT_SIZE)
    columns = max(1, min(columns, len(labels)))
    lines = [[part for line in label.split("\n") for part in _wrapped(printable(line), font, side)] for label in labels]
    rows = [range(at, min(at + columns, len(labels))) for at in range(0, len(labels), columns)]
    heights = [side + (FONT_SIZE + 3) * max(len(lines[at]) for at in row) + GAP for row in rows]
    sheet = Image.new("RGB", (columns * (side + GAP) + GAP, sum(heights) + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    tops = np.cumsum([GAP, *heights])
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        left, top = GAP + column * (side + GAP), int(tops[row])
        picture = Image.fromarray(image)
        picture.thumbnail((side, side))
        sheet.paste(picture, (left + (side - picture.width) // 2, top + side - picture.height))
        for line, text in enumerate(lines[number]):
            draw.text((left, top + side + 1 + line * (FONT_SIZE + 3)), text, fill="#1b1d1f", font=font)
    with atomic_write(path) as part:
        sheet.save(part, "PNG")


def _wrapped(text: str, font: Any, width: int) -> list[str]:
    """Lines of at most ``width`` pixels, broken at spaces, else after ``_`` and the like, else anywhere."""
    lines = []
    while text:
        end = len(text)
        while end > 1 and font.getlength(text[:end]) > width:
            end -= 1
        if end < len(text):
            breaks = [at + 1 for at, letter in enumerate(text[:end]) if letter in " _-./" and at]
            end = breaks[-1] if breaks and breaks[-1] > end // 2 else end
        lines.append(text[:end].strip())
        text = text[end:].lstrip()
    return lines


def write_sheet_page(
    path: str | Path, images: Iterable[np.ndarray], labels: Sequence[str], *, title: str, subtitle: str = ""
) -> bool:
    """Write the same pictures as a page, where jinja2 is installed.

    Args:
        path: of the page.
        images: uint8 RGB (H, W, 3) each.
        labels: shown below each image; also its alternative text.
        title: of the page.
        subtitle: below the title.

    Returns:
        Whether it was written.
    """
    if importlib.util.find_spec("jinja2") is None:
        return False
    shown = [printable(label.replace("\n", " ")) for label in labels]
    pictures = [jpeg_picture(image, label, f"face: {label}") for image, label in zip(images, shown, strict=True)]
    template = Path(__file__).with_name("sheet.html.j2")
    write_html(path, template, title=printable(title), subtitle=printable(subtitle), plots=[], pictures=pictures)
    return True
