"""Which photos are aligned: links, names that clash or are not UTF-8, and videos without PyAV."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facezoo.align.batch import align_folder
from facezoo.align.sources import find_items
from facezoo.align.table import read_table
from facezoo.align.templates import ARCFACE
from facezoo.errors import DataError
from facezoo.interfaces.detector import Detector, Face


class Fixed(Detector):
    """Finds one face in every image."""

    def detect_batch(self, images):
        return [[Face(np.float32([10, 10, 110, 120]), np.float32(ARCFACE + 8), 0.97)] for _ in images]


def run(photos, out, **options):
    return align_folder(photos, out, detector=Fixed(), **options)


def files(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))


@pytest.fixture
def photos(tmp_path):
    for name in ("ann/1.png", "bob/1.png"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True)
        Image.new("RGB", (130, 140), "red").save(tmp_path / "photos" / name)
    return tmp_path / "photos"


def test_links_to_a_folder_above_are_not_followed(photos, tmp_path):
    (photos / "ann" / "loop").symlink_to(photos)
    (photos / "parent").symlink_to("..")  # above the folder of photos, where others may lie
    (tmp_path / "elsewhere").mkdir(exist_ok=True)
    (tmp_path / "elsewhere" / "z.jpg").write_bytes(b"x")
    (photos / "carl").symlink_to(photos / "ann")  # another link is
    found = [item.key for item in find_items(photos, tmp_path / "out")]
    assert found == ["ann/1.png", "bob/1.png", "carl/1.png"]


def test_names_that_differ_in_the_extension_only(tmp_path):
    for name in ("a.jpg", "a.png", "a.jpg.png", "b.png", "c#1.jpg"):
        (tmp_path / "photos" / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (130, 130), "blue").save(tmp_path / "photos" / name)
    summary = run(tmp_path / "photos", tmp_path / "out")
    assert files(tmp_path / "out") == ["a.jpg.png", "a.jpg.png.png", "a.png.png", "b.png", "c#1.png"]
    assert summary.crops == 5
    assert run(tmp_path / "photos", tmp_path / "out").done_before == 5


@pytest.mark.parametrize("table", ["csv", "parquet"])
def test_a_file_name_that_is_not_utf8(tmp_path, table):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in (b"Jos\xe9.png", b"Ren\xe9e.png"):
        with open(os.path.join(os.fsencode(folder), name), "wb") as stream:
            if name.startswith(b"J"):
                Image.new("RGB", (130, 130), "blue").save(stream, "PNG")
    summary = run(folder, tmp_path / "out", table=table, max_unreadable=1)
    rows = read_table(Path(summary.table))
    assert [row["source"] for row in rows] == ["Jos\\xe9.png", "Ren\\xe9e.png"]
    assert (tmp_path / "out" / rows[0]["output"]).is_file()
    assert rows[1]["reason"].startswith("unreadable")
    assert run(folder, tmp_path / "out", table=table, max_unreadable=1).done_before == 2


def test_a_video_without_pyav_does_not_stop_the_photos(photos, tmp_path, monkeypatch):
    (photos / "clip.mp4").write_bytes(b"video")
    monkeypatch.setitem(sys.modules, "av", None)
    summary = run(photos, tmp_path / "out", max_unreadable=1)
    assert (summary.crops, summary.unreadable) == (2, 1)
    reasons = [row["reason"] for row in read_table(Path(summary.table)) if row["source"] == "clip.mp4"]
    assert "pip install 'facezoo[video]'" in reasons[0]


def test_a_name_that_is_a_formula_is_guarded_in_csv(tmp_path):
    for name in ("=cmd.png", "'=x.png", "-1.png"):
        (tmp_path / "photos" / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (130, 140), "red").save(tmp_path / "photos" / name)
    table = Path(run(tmp_path / "photos", tmp_path / "out", table="csv").table)
    cells = [cell for line in table.read_text().splitlines() for cell in line.split(",")[::2][:2]]
    assert not [cell for cell in cells if cell.startswith(("=", "-", "@", "+"))]
    assert [row["source"] for row in read_table(table)] == ["'=x.png", "-1.png", "=cmd.png"]
    assert run(tmp_path / "photos", tmp_path / "out", table="csv").done_before == 3


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_damaged_settings_of_a_folder(photos, tmp_path, text):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.faces.json").write_text(text)
    with pytest.raises(DataError, match=r"faces\.json"):
        run(photos, tmp_path / "out")
