"""Self-contained HTML pages: one base template, escaping, and figures as data addresses."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from facezoo.errors import BackendUnavailableError
from facezoo.io.files import atomic_write

DPI = 200


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
        raise _missing("jinja2") from error
    loader = jinja2.FileSystemLoader([template.parent, Path(__file__).parent])
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    text = environment.get_template(template.name).render(**values)
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")


def plot(draw: Callable[[Any], None], size: tuple[float, float] = (5.2, 3.9)) -> str:
    """A matplotlib plot as the data address of a PNG; needs no display and changes no global state.

    Args:
        draw: draws on the matplotlib axes that it gets.
        size: width and height in inches.

    Raises:
        BackendUnavailableError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise _missing("matplotlib") from error
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes)
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return data_address(buffer.getvalue(), "image/png")


def data_address(content: bytes, kind: str) -> str:
    """The content of a file as a data URL.

    >>> data_address(b"GIF", "image/gif")
    'data:image/gif;base64,R0lG'
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _missing(library: str) -> BackendUnavailableError:
    return BackendUnavailableError(f"the report needs {library}, which is not installed: pip install 'facezoo[report]'")
