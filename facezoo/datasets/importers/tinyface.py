"""TinyFace: training, gallery and probe images by person, and the distractors, which have no identity."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import DataError

SPLITS = {  # list of identities -> (its fields of names and numbers, folder in the archive, new folder)
    "gallery_match_img_ID_pairs.mat": ("gallery_set", "gallery_ids", "Gallery_Match", "gallery"),
    "probe_img_ID_pairs.mat": ("probe_set", "probe_ids", "Probe", "probe"),
}


def arrange(raw: Path, out: Path, dataset: str, partial: bool) -> dict[str, Any]:
    """``train/ID/``, ``gallery/ID/``, ``probe/ID/`` and ``distractors/``; .mat files number the people of the test set.

    Raises:
        DataError: a part or a list is missing, or they do not list the same images.
    """
    people: set[str] = set()
    count: dict[str, int] = {}
    for file in sorted((raw / "Training_Set").glob("*/*")):
        _move(file, out / "train" / file.parent.name)
        people.add(file.parent.name)
        count["train"] = count.get("train", 0) + 1
    test = raw / "Testing_Set"
    for table, (names, numbers, source, target) in SPLITS.items():
        if (test / source).is_dir():
            for name, person in _identities(test / table, names, numbers).items():
                if not (test / source / name).is_file():
                    if partial:
                        continue
                    raise DataError(f"{table} lists {name!r}, which is not in {source} (--partial imports the others)")
                _move(test / source / name, out / target / person)
                people.add(person)
                count[target] = count.get(target, 0) + 1
            left = next((test / source).iterdir(), None)
            if left is not None:
                raise DataError(f"{source}/{left.name} has no identity in {table}")
    for file in sorted((test / "Gallery_Distractor").glob("*")):
        _move(file, out / "distractors")
        count["distractors"] = count.get("distractors", 0) + 1
    missing = [part for part in ("train", "gallery", "probe") if part not in count]
    if missing and not partial:
        raise DataError(f"no images for {', '.join(missing)} (--partial imports the others)")
    return {"images": sum(count.values()), "identities": len(people), "parts": count}


def _move(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file.rename(folder / file.name)


def _identities(path: Path, names: str, numbers: str) -> dict[str, str]:
    """Image name to identity, from a MATLAB file with a cell array of names and a column of numbers."""
    from scipy.io import loadmat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = loadmat(path, variable_names=[names, numbers], squeeze_me=True, chars_as_strings=True)
        keys = [str(name) for name in np.atleast_1d(found[names]).reshape(-1)]
        values = [str(int(value)) for value in np.atleast_1d(found[numbers]).reshape(-1)]
    except Exception as error:  # a damaged file can fail anywhere
        raise DataError(f"{path.name}: cannot be read ({error}); expected {names} and {numbers}") from error
    if len(keys) != len(values) or any("/" in key or "\\" in key or key.startswith(".") for key in keys):
        raise DataError(f"{path.name}: {len(keys)} names and {len(values)} numbers; expected one number for each name")
    return dict(zip(keys, values, strict=True))
