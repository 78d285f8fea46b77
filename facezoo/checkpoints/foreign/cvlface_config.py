"""CVLface's colour order, which only the configuration beside a weight file states."""

from __future__ import annotations

from pathlib import Path

from facezoo.download.urls import local_path
from facezoo.errors import CheckpointError, DataError
from facezoo.io.yaml_files import load_yaml

NAMES = ("model.yaml", "{stem}.yaml")  # as published, and beside a file that was renamed
KEY = "color_space"


def stated_color(path: str | Path) -> tuple[str, str] | None:
    """The colour order that the weights take, "RGB" or "BGR", and the file that states it; None if there is none.

    CVLface's networks get RGB and flip the channels themselves where ``color_space`` is BGR (models/base/__init__.py,
    revision d3d09c9), so that the weights behind the flip take the order that it names.

    Args:
        path: the weight file.

    Raises:
        CheckpointError: the configuration cannot be read, or names another colour order.
    """
    weights = local_path(path)
    for name in NAMES:
        beside = weights.with_name(name.format(stem=weights.stem))
        if beside.is_file():
            try:
                block = load_yaml(beside.read_text(encoding="utf-8"))
            except (DataError, UnicodeDecodeError) as error:
                raise CheckpointError(f"{str(beside)!r} cannot be read: {error}") from error
            color = block.get(KEY) if isinstance(block, dict) else None
            if color is None:
                continue
            if color not in ("RGB", "BGR"):
                raise CheckpointError(f"{str(beside)!r}: {KEY} is {color!r}; expected RGB or BGR")
            return color, beside.name
    return None
