"""Layouts of published archives in which the folder of an image does not name the person.

Each layout says which members it takes and under which temporary path; the complete archive is then arranged into
``OUT/PERSON/IMAGE`` and a list of pairs that the protocol of the same name reads.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facezoo.datasets.importers import pair_lists, tinyface
from facezoo.datasets.importers.result import Imported, count_folder
from facezoo.datasets.schema import DataSet
from facezoo.download import extract
from facezoo.errors import DataError
from facezoo.io.progress import OnProgress

RAW = ".raw"  # members before they are arranged, in the temporary folder


@dataclass(frozen=True)
class Layout:
    """One layout.

    Attributes:
        name: the importer's name in the index.
        known: a member with this pattern identifies the layout.
        taken: members that are unpacked; the group ``path`` is their path below RAW.
        arrange: moves the images from RAW into the new folder; arguments: RAW, the new folder, the data set's name,
            whether images may be missing. It returns facts for ``dataset.json``.
    """

    name: str
    known: re.Pattern[str]
    taken: re.Pattern[str]
    arrange: Callable[[Path, Path, str, bool], dict[str, Any]]

    def recognises(self, member: str) -> bool:
        """Whether this member is found in archives of this layout only."""
        return self.known.search(member) is not None

    def place(self, member: str) -> str | None:
        """The member's path in the temporary folder, or None to skip it."""
        found = self.taken.search(member)
        return f"{RAW}/{found['path']}" if found else None


def import_layout(
    layout: Layout, archive: Path, out: Path, entry: DataSet | None, partial: bool, on_progress: OnProgress
) -> Imported:
    """Unpack an archive of this layout and arrange it by people.

    Raises:
        DataError: it holds no images of this layout, or a list names an image that is not in it.
    """
    results = []

    def check(folder: Path) -> None:
        raw = folder / RAW
        if not raw.is_dir():
            raise DataError(f"{archive}: no files of the {layout.name} layout; expected {layout.taken.pattern}")
        details = layout.arrange(raw, folder, entry.name if entry else "", partial)
        shutil.rmtree(raw)
        images, people = count_folder(folder)
        images, people = details.pop("images", images), details.pop("identities", people)
        if entry is not None and not partial:
            details["stated in the index"] = f"{entry.images} images, {entry.identities} identities"
        results.append(
            Imported(entry.name if entry else "", layout.name, images, people, {"from": archive.name, **details})
        )
        results[0].write(folder)

    extract(archive, out, rename=layout.place, on_progress=on_progress, check=check)
    return results[0]


def _arrange_ytf(raw: Path, out: Path, dataset: str, partial: bool) -> dict[str, Any]:
    """NAME/VIDEO/FRAME stays as it is: the person is the first folder."""
    videos = 0
    for path in sorted(raw.iterdir()):
        if path.is_dir():
            videos += sum(video.is_dir() for video in path.iterdir())
        path.rename(out / path.name)
    return {"videos": videos}


IMAGE = r"[^/]+\.(?:jpg|jpeg|png)"
LAYOUTS = {
    "ytf": Layout(
        "ytf",
        re.compile(r"(?:^|/)[^/]+/(\d+)/(?:aligned_detect_)?\1\.\d+\.jpg$"),
        re.compile(rf"(?:^|/)(?P<path>[^/]+/\d+/{IMAGE}|splits\.txt)$", re.IGNORECASE),
        _arrange_ytf,
    ),
    "calfw": Layout(
        "calfw",
        re.compile(r"(?:^|/)pairs_C[AP]LFW\.txt$|(?:^|/)aligned images/[^/]+_\d+\.jpg$"),
        re.compile(r"(?:^|/)(?P<path>(?:aligned images|images)/[^/]+_\d+\.jpg|pairs_C[AP]LFW\.txt)$"),
        pair_lists.arrange_calfw,
    ),
    "cfp": Layout(
        "cfp",
        re.compile(r"(?:^|/)Data/Images/\d+/(?:frontal|profile)/\d+\.jpg$"),
        re.compile(
            r"(?:^|/)(?P<path>Data/Images/\d+/(?:frontal|profile)/\d+\.jpg|Protocol/Pair_list_[FP]\.txt"
            r"|Protocol/Split/F[FP]/\d+/(?:same|diff)\.txt)$"
        ),
        pair_lists.arrange_cfp,
    ),
    "rfw": Layout(
        "rfw",
        re.compile(r"(?:^|/)(?:African|Asian|Caucasian|Indian)/(?:[^/]+/[^/]+_\d{4}\.jpg|[^/]+_pairs\.txt)$"),
        re.compile(r"(?:^|/)(?P<path>(?:African|Asian|Caucasian|Indian)/(?:[^/]+/[^/]+_\d{4}\.jpg|[^/]+_pairs\.txt))$"),
        pair_lists.arrange_rfw,
    ),
    "tinyface": Layout(
        "tinyface",
        re.compile(r"(?:^|/)(?:Training_Set/\d+|Testing_Set/(?:Gallery_Match|Gallery_Distractor|Probe))/[^/]+$"),
        re.compile(
            rf"(?:^|/)(?P<path>Training_Set/\d+/{IMAGE}|Testing_Set/(?:Gallery_Match|Gallery_Distractor|Probe)/{IMAGE}"
            r"|Testing_Set/(?:gallery_match|probe)_img_ID_pairs\.mat)$"
        ),
        tinyface.arrange,
    ),
}
