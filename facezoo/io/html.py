"""Self-contained HTML pages: one base template, escaping, and pictures as data addresses."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import BackendUnavailableError
from facezoo.io.colours import style
from facezoo.io.files import atomic_write


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Attributes:
        name: shown below it.
        address: a data URL.
        alt: what it shows, for those who cannot see it.
    """

    name: str
    address: str
    alt: str


def write_html(path: str | Path, template: Path, **values: Any) -> None:
    """Render a template to a file, which appears complete or not at all.

    Args:
        path: of the page.
        template: a Jinja template that extends ``page.html.j2`` of this folder.
        values: the variables of the template. Text in them is escaped.

    Raises:
        BackendUnavailableError: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise missing("jinja2") from error
    import facezoo

    loader = jinja2.FileSystemLoader([template.parent, Path(__file__).parent])
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.globals.update(colours=style(":root"), version=facezoo.__version__, written=now())
    text = environment.get_template(template.name).render(**values)
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")


def now() -> str:
    """The local date and time, as 2026-11-24 15:30 +0000."""
    return shown_time(datetime.now().timestamp())


def shown_time(seconds: float) -> str:
    """A time of the clock (seconds since 1970) in the local time zone."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M %z")


def jpeg_picture(image: np.ndarray, name: str, alt: str, *, quality: int = 88) -> Picture:
    """A uint8 RGB image (H, W, 3) as a picture of a page."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality)
    return Picture(name, data_address(buffer.getvalue(), "image/jpeg"), alt)


def data_address(content: bytes, kind: str) -> str:
    """The content of a file as a data URL.

    >>> data_address(b"GIF", "image/gif")
    'data:image/gif;base64,R0lG'
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def missing(library: str) -> BackendUnavailableError:
    """The error of a page that needs a library which is not installed."""
    return BackendUnavailableError(f"the page needs {library}, which is not installed: pip install 'facezoo[report]'")
