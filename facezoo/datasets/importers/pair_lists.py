"""CALFW, CPLFW, CFP and RFW: images by person, and their lists of pairs with the new paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facezoo.errors import ConfigError, DataError

GROUPS = ("African", "Asian", "Caucasian", "Indian")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name}: cannot be read ({error})") from error
    return ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _move(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if to.exists():
        raise DataError(f"two images have the path {to.parent.name}/{to.name}")
    file.rename(to)


def _require(out: Path, names: list[str], source: str, partial: bool) -> None:
    missing = [name for name in dict.fromkeys(names) if not (out / name).is_file()]
    if missing and not partial:
        raise DataError(
            f"{source} lists {len(missing)} images that are not in the archive, first {missing[0]!r} "
            f"(--partial imports the others)"
        )


def arrange_calfw(raw: Path, out: Path, dataset: str, partial: bool) -> dict[str, Any]:
    """``aligned images/NAME_0001.jpg``, else ``images/``, into NAME/NAME_0001.jpg; the list gets the same paths."""
    folder = next((raw / name for name in ("aligned images", "images") if (raw / name).is_dir()), None)
    if folder is None:
        raise DataError("no images of CALFW or CPLFW; expected 'aligned images/NAME_0001.jpg' or 'images/NAME_1.jpg'")
    for file in sorted(folder.iterdir()):
        _move(file, out / _by_name(file.name))
    lists = sorted(raw.glob("pairs_C?LFW.txt"))
    if len(lists) != 1:
        raise DataError(f"{len(lists)} lists of pairs; expected pairs_CALFW.txt or pairs_CPLFW.txt")
    rows = []
    for number, line in _lines(lists[0]):
        fields = line.split()
        if len(fields) != 2 or not fields[1].isdecimal():
            raise DataError(f"{lists[0].name} line {number} is {line[:60]!r}; expected 'IMAGE FOLD'")
        rows.append((_by_name(fields[0]), fields[1]))
    _require(out, [name for name, _ in rows], lists[0].name, partial)
    text = "".join(f"{name} {fold}\n" for name, fold in rows)
    (out / lists[0].name).write_text(text, encoding="utf-8")
    return {"pairs": len(rows) // 2, "images_from": folder.name}


def _by_name(file: str) -> str:
    """NAME/FILE for a file NAME_0001.jpg.

    >>> _by_name("Al_Gore_0001.jpg")
    'Al_Gore/Al_Gore_0001.jpg'
    """
    found = re.fullmatch(r"(.+)_\d+\.\w+", file)
    if found is None or "/" in file:
        raise DataError(f"image {file[:60]!r} does not name a person; expected NAME_0001.jpg")
    return f"{found[1]}/{file}"


def arrange_cfp(raw: Path, out: Path, dataset: str, partial: bool) -> dict[str, Any]:
    """``Data/Images/001/frontal/01.jpg`` into 001/frontal_01.jpg; the splits of one protocol into ``pairs.txt``."""
    kind = {"cfp-ff": "FF", "cfp-fp": "FP"}.get(dataset)
    if kind is None:
        raise ConfigError("CFP holds two protocols; expected --dataset cfp-fp or --dataset cfp-ff")
    for file in sorted((raw / "Data" / "Images").glob("*/*/*")):
        _move(file, out / _cfp_path(file))
    frontal = _cfp_list(raw / "Protocol" / "Pair_list_F.txt")
    second = frontal if kind == "FF" else _cfp_list(raw / "Protocol" / "Pair_list_P.txt")
    rows = []
    folds = sorted((raw / "Protocol" / "Split" / kind).glob("*"))
    if not folds:
        raise DataError(f"no folds of the protocol {kind}; expected Protocol/Split/{kind}/01/same.txt")
    for fold, folder in enumerate(folds, 1):
        for name, same in (("same.txt", 1), ("diff.txt", 0)):
            rows += [(*pair, same, fold) for pair in _cfp_pairs(folder / name, frontal, second)]
    _require(out, [name for row in rows for name in row[:2]], f"Split/{kind}", partial)
    text = "".join(f"{first} {other} {same} {fold}\n" for first, other, same, fold in rows)
    (out / "pairs.txt").write_text(text, encoding="utf-8")
    return {"pairs": len(rows), "protocol": kind}


def _cfp_path(file: Path) -> str:
    return f"{file.parts[-3]}/{file.parts[-2]}_{file.parts[-1]}"


def _cfp_list(path: Path) -> dict[str, str]:
    """Number to new path, from lines ``1 ../Data/Images/001/frontal/01.jpg``."""
    table = {}
    for number, line in _lines(path):
        fields = line.split()
        if len(fields) != 2 or len(Path(fields[1]).parts) < 3:
            raise DataError(f"{path.name} line {number} is {line[:60]!r}; expected 'NUMBER ../Data/Images/ID/..'")
        table[fields[0]] = _cfp_path(Path(fields[1]))
    return table


def _cfp_pairs(path: Path, first: dict[str, str], second: dict[str, str]) -> Iterator[tuple[str, str]]:
    for number, line in _lines(path):
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 2 or fields[0] not in first or fields[1] not in second:
            raise DataError(
                f"{path.parent.name}/{path.name} line {number} is {line[:60]!r}; expected two numbers of the lists"
            )
        yield first[fields[0]], second[fields[1]]


def arrange_rfw(raw: Path, out: Path, dataset: str, partial: bool) -> dict[str, Any]:
    """``African/ID/ID_0001.jpg`` into ID/ID_0001.jpg; the four lists into ``pairs.txt``, the groups into a table."""
    rows: list[tuple[str, str, int]] = []
    groups: dict[str, str] = {}
    for group in GROUPS:
        for file in sorted((raw / group).glob("*/*")):
            name = f"{file.parent.name}/{file.name}"
            _move(file, out / name)
            groups[name] = group
        lists = sorted((raw / group).glob("*_pairs.txt"))
        rows += _rfw_pairs(lists[0]) if lists else []
    _require(out, [name for row in rows for name in row[:2]], "the lists of pairs", partial)
    if rows:
        text = "".join(f"{first} {second} {same}\n" for first, second, same in rows)
        (out / "pairs.txt").write_text(text, encoding="utf-8")
    listed = [name for name in dict.fromkeys(name for row in rows for name in row[:2]) if name in groups]
    text = "".join(f"{name},{groups[name]}\n" for name in listed or groups)
    (out / "columns.csv").write_text("name,race\n" + text, encoding="utf-8")
    return {"pairs": len(rows), "groups": len(set(groups.values()))}


def _rfw_pairs(path: Path) -> Iterator[tuple[str, str, int]]:
    """Lines ``ID n1 n2`` and ``ID1 n1 ID2 n2``, as in LFW's list."""
    for number, line in _lines(path):
        fields = line.split()
        if len(fields) == 3:
            fields.insert(2, fields[0])
        if len(fields) != 4 or not (fields[1].isdecimal() and fields[3].isdecimal()):
            raise DataError(f"{path.name} line {number} is {line[:60]!r}; expected 'ID n1 n2' or 'ID1 n1 ID2 n2'")
        first, second = (f"{who}/{who}_{int(n):04d}.jpg" for who, n in (fields[:2], fields[2:]))
        yield first, second, int(fields[0] == fields[2])
