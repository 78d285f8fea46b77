"""The result of an import."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from facezoo.data.sources.folder import is_image_name
from facezoo.datasets.schema import DataSet
from facezoo.errors import DataError

NOTE = "dataset.json"


@dataclass(frozen=True)
class Imported:
    """The content of the new folder.

    Attributes:
        dataset: its name in the index, or "" if it is not in the index.
        kind: the importer.
        images: number of images written, or listed in the meta files.
        identities: number of identities, or of templates.
        details: other facts, by name.
    """

    dataset: str
    kind: str
    images: int
    identities: int
    details: dict[str, object] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write ``dataset.json`` into the folder."""
        (folder / NOTE).write_text(json.dumps(asdict(self), indent=1, sort_keys=True), encoding="utf-8")


def count_folder(folder: Path) -> tuple[int, int]:
    """(images, identities) of a folder of identity folders.

    Raises:
        DataError: there is none.
    """
    counts = [
        sum(is_image_name(file.name) for file in identity.iterdir())
        for identity in folder.iterdir()
        if identity.is_dir()
    ]
    images, identities = sum(counts), sum(map(bool, counts))
    if not images:
        raise DataError("the archive holds no images in identity folders")
    return images, identities


def compare(entry: DataSet | None, images: int, identities: int, partial: bool) -> None:
    """Refuse an archive whose counts differ from the index, unless ``partial``.

    Raises:
        DataError: the counts differ.
    """
    if entry is None or partial:
        return
    expected = (entry.images, entry.identities)
    if (images, identities) != expected:
        raise DataError(
            f"found {images} images of {identities} people; {entry.name} has {expected[0]} of {expected[1]} "
            f"(--partial imports the images found)"
        )
