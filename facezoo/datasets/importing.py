"""``facezoo datasets import``: recognise an archive and convert it to a form for training or evaluation."""

from __future__ import annotations

import re
from pathlib import Path

from facezoo.datasets import catalogue
from facezoo.datasets.importers import bcolz, celeba, folders, ijb, insightface, layouts
from facezoo.datasets.importers.result import Imported
from facezoo.datasets.schema import DataSet
from facezoo.download import member_names
from facezoo.errors import ConfigError, DataError
from facezoo.io.progress import OnProgress, ignore_progress

KINDS = ("bcolz", "lfw", "celeba", "insightface", "ijb", "folder", *layouts.LAYOUTS)
ARCHIVES = (".tgz", ".tar", ".gz", ".bz2", ".xz", ".zip")


def import_archive(
    path: str | Path,
    out: str | Path,
    *,
    dataset: str | None = None,
    identities: Path | None = None,
    partial: bool = False,
    person_folder: int | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Imported:
    """Import an archive, a folder of downloads, or a pack, into the new folder ``out``.

    Args:
        path: the download.
        out: the new folder; it is created only when the import is complete.
        dataset: the name in the index, where the files do not identify the data set.
        identities: CelebA's identity file, if it is not beside the archive.
        partial: accept fewer images than the data set has.
        person_folder: for identity folders: which folder above an image names the person; 1 is the image's own, 0
            the first that differs.
        on_progress: called with the number of files written.

    Raises:
        DataError: its content is unknown or broken, or its counts differ from the index.
        UnsafeFileError: a path that leaves the folder, a link, an archive bomb, code in a pickle.
    """
    path, out = Path(path), Path(out)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    entry = catalogue.get(dataset) if dataset else None
    kind, path = _kind(path, entry)
    if kind == "celeba":
        entry = entry or catalogue.get("celeba")
        return celeba.import_celeba(path, out, entry, partial, on_progress, identities)
    if kind == "lfw":
        return folders.import_lfw(path, out, entry or catalogue.get("lfw"), partial, on_progress)
    entry = entry or _by_name(path)
    if kind == "folder":
        return folders.import_folder(path, out, entry, partial, on_progress, person_folder)
    if kind in layouts.LAYOUTS:
        return layouts.import_layout(layouts.LAYOUTS[kind], path, out, entry, partial, on_progress)
    steps = {"insightface": insightface.import_pack, "ijb": ijb.import_ijb, "bcolz": bcolz.import_bcolz}
    return steps[kind](path, out, entry, partial, on_progress)


def _by_name(path: Path) -> DataSet | None:
    """The entry that has a file of this name."""
    for entry in catalogue.load_index().values():
        if any(file.name == path.name for file in entry.files):
            return entry
    return None


def _kind(path: Path, entry: DataSet | None) -> tuple[str, Path]:
    """(importer, the file or folder it takes)."""
    if path.is_dir():
        return _folder_kind(path, entry)
    if path.suffix == ".bin":
        return "insightface", path
    found = kind_of_members(member_names(path))
    if found in (None, "folder", "lfw") and entry is not None and entry.importer in layouts.LAYOUTS:
        found = entry.importer
    if found is None and entry is not None and entry.importer in KINDS:
        found = entry.importer
    if found is None:
        raise DataError(f"{path}: expected images in identity folders, an InsightFace pack or IJB meta files in it")
    if found == "folder" and entry is not None and entry.importer == "none":
        raise ConfigError(f"{entry.name} has no identities; its layout is: {entry.layout}")
    return found, path


def _folder_kind(path: Path, entry: DataSet | None) -> tuple[str, Path]:
    if any(insightface.pack_path(file.name) for file in path.iterdir() if file.is_file()):
        return "insightface", path
    if _has_meta(path):
        return "ijb", path
    if bcolz.find_arrays(path):
        return "bcolz", path
    inside = [file for file in sorted(path.iterdir()) if file.suffix in ARCHIVES]
    if len(inside) == 1:
        return _kind(inside[0], entry)
    names = ", ".join(file.name for file in inside) or "none"
    raise DataError(f"{path}: expected one archive, an InsightFace pack or IJB meta files in it; archives: {names}")


def _has_meta(path: Path) -> bool:
    return any(next(path.glob(f"{depth}*{ijb.MEDIA}"), None) for depth in ("", "*/", "*/*/", "*/*/*/"))


def kind_of_members(names: list[str]) -> str | None:
    """The importer for an archive with these members, or None.

    >>> kind_of_members(["lfw/Al_Gore/Al_Gore_0001.jpg"])
    'lfw'
    """
    if any(re.search(r"(^|/)img_align_celeba(_png)?/\d{6}\.(jpg|png)$", name) for name in names):
        return "celeba"
    if any(insightface.pack_path(name) for name in names):
        return "insightface"
    if any(bcolz.MEMBER.search(name) for name in names):
        return "bcolz"
    if any(name.endswith((ijb.MEDIA, ijb.PAIRS, ijb.POINTS)) or "/loose_crop/" in name for name in names):
        return "ijb"
    for kind, layout in layouts.LAYOUTS.items():
        if any(layout.recognises(name) for name in names):
            return kind
    if names and any(folders.lfw_path(name) for name in names):
        return "lfw"
    return "folder" if any(folders.identity_path(name) for name in names) else None
