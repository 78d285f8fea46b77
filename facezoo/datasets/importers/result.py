"""The result of an import."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, field
from pathlib import Path

from facezoo.data.sources.folder import is_image_name
from facezoo.datasets.schema import DataSet
from facezoo.errors import DataError

NOTE = "dataset.json"
SHOWN = 4  # names in a message
_WORDS = (
    "align aligned aligned_images crop cropped cropped_images crops data dataset dev diff distractor "
    "distractors face faces frame frames frontal gallery gallery_distractor gallery_match image images "
    "img imgs jpg loose_crop original originals photo photos pictures png probe probes profile query raw "
    "same test test_set testing testing_set train train_set training training_set val valid validation "
    "video videos african asian caucasian indian client imposter"
)
LAYOUT_NAMES = frozenset(_WORDS.split())


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
    """(images, identities) of a folder of identity folders, which may hold further folders.

    Raises:
        DataError: there is none.
    """
    counts = [
        sum(is_image_name(name) for _, _, names in os.walk(identity) for name in names)
        for identity in folder.iterdir()
        if identity.is_dir() and not identity.name.startswith(".")
    ]
    images, identities = sum(counts), sum(map(bool, counts))
    if not images:
        raise DataError("the archive holds no images in identity folders")
    return images, identities


def require_people(above: Mapping[str, Set[str]]) -> None:
    """Check that folders look like people, not like parts of an archive's layout.

    Args:
        above: for each identity, the folders in the archive that hold a folder of its name.

    Raises:
        DataError: there is one identity only, a name is that of a part of a layout, all are single digits, or folders
            of one name would be merged.
    """
    named = sorted(name for name in above if is_layout(name))
    merged = sorted(name for name, folders in above.items() if len(folders) > 1)
    reason = ""
    if len(above) == 1:
        reason = f"all images would belong to one person, {next(iter(above))!r}"
    elif named:
        reason = f"{_some(named)} would be people, which are names of parts of an archive"
    elif above and all(name.isdecimal() and len(name) == 1 for name in above):
        reason = f"{_some(sorted(above))} would be people, which look like numbers of parts"
    elif merged:
        first = merged[0]
        places = _some([folder + first for folder in sorted(above[first])])
        reason = f"{len(merged)} names are in several folders and would be merged into one person, such as {places}"
    if reason:
        raise DataError(
            f"{reason}; say which folder names the person: --person-folder 1 is the folder of the image, "
            f"--person-folder 2 the folder above it, --person-folder 0 the first folder that differs"
        )


def is_layout(name: str) -> bool:
    """Whether a folder has the name of a part of an archive, such as "train", not of a person."""
    plain = name.lower().replace(" ", "_").replace("-", "_")
    return plain in LAYOUT_NAMES or plain.startswith(("aligned_", "cropped_"))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + more


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
