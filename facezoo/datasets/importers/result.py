"""What an import did."""

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
    """What now stands in the folder.

    Attributes:
        dataset: the index's name for it, or "" when it is in no index.
        kind: the importer.
        images: images written, or named by the meta files.
        identities: identities, or templates.
        details: anything else worth saying, by name.
    """

    dataset: str
    kind: str
    images: int
    identities: int
    details: dict[str, object] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """As ``dataset.json`` in the folder."""
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
    """Refuse an archive that does not hold what the index says, unless a part of it is expected.

    Raises:
        DataError: the counts differ.
    """
    if entry is None or partial:
        return
    expected = (entry.images, entry.identities)
    if (images, identities) != expected:
        raise DataError(
            f"found {images} images of {identities} people; {entry.name} has {expected[0]} of {expected[1]} "
            f"(--partial imports what is there)"
        )
