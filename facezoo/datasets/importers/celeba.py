"""CelebA: ``img_align_celeba.zip`` and ``identity_CelebA.txt`` into identity folders."""

from __future__ import annotations

import re
from pathlib import Path

from facezoo.datasets.importers.result import Imported, compare, count_folder
from facezoo.datasets.schema import DataSet
from facezoo.download import extract
from facezoo.errors import DataError
from facezoo.io.progress import OnProgress

IDENTITY_FILE = "identity_CelebA.txt"
_LINE = re.compile(r"(\d{6}\.(?:jpg|png))\s+(\d{1,7})")


def read_identities(path: Path) -> dict[str, int]:
    """Image name to identity number.

    Raises:
        DataError: it is missing, a line has another form, or an image is listed twice.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot read the identities ({error}); expected {IDENTITY_FILE}") from error
    table: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line.strip())
        if found is None or found[1] in table:
            what = "is listed twice" if found else f"is {line[:40]!r}"
            raise DataError(f"{path} line {number} {what}; expected lines like '000001.jpg 2880'")
        table[found[1]] = int(found[2])
    if not table:
        raise DataError(f"{path} is empty; expected lines like '000001.jpg 2880'")
    return table


def import_celeba(
    archive: Path,
    out: Path,
    entry: DataSet | None,
    partial: bool,
    on_progress: OnProgress,
    identities: Path | None = None,
) -> Imported:
    """The aligned images into ``OUT/IDENTITY/000001.jpg``.

    Args:
        archive: ``img_align_celeba.zip``, or its folder.
        out: the new folder.
        entry: CelebA's entry in the index, for the counts.
        partial: accept fewer images.
        on_progress: called with the number of files written.
        identities: ``identity_CelebA.txt``; by default the one beside the archive.

    Raises:
        DataError: an image has no identity, or the counts differ.
    """
    table = read_identities(identities or archive.parent / IDENTITY_FILE)
    results = []

    def place(member: str) -> str | None:
        name = member.rsplit("/", 1)[-1]
        if not re.fullmatch(r"\d{6}\.(jpg|png)", name):
            return None
        if name not in table:
            raise DataError(f"{archive}: {name} has no identity in {IDENTITY_FILE}")
        return f"{table[name]}/{name}"

    def check(folder: Path) -> None:
        images, people = count_folder(folder)
        compare(entry, images, people, partial)
        results.append(Imported("celeba", "celeba", images, people, {"from": archive.name}))
        results[0].write(folder)

    extract(archive, out, rename=place, on_progress=on_progress, check=check)
    return results[0]
