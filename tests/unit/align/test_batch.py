"""Aligning folders: paths of crops, repeated calls, and errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from facezoo.align.batch import align_folder
from facezoo.align.contact_sheet import contact_sheet
from facezoo.align.settings import AlignSettings
from facezoo.align.table import COLUMNS, read_table, write_table
from facezoo.align.templates import ARCFACE
from facezoo.data.image import read_image
from facezoo.errors import ConfigError, DataError, UnknownNameError
from facezoo.interfaces.detector import Detector, Face


class Fixed(Detector):
    """Finds one face in every image that is not black, where the template would be after a shift."""

    def __init__(self):
        self.seen = 0

    def detect_batch(self, images):
        self.seen += len(images)
        return [self.faces(image) if image.max() else [] for image in images]

    def faces(self, image):
        return [Face(np.float32([10, 10, 110, 120]), np.float32(ARCFACE + 8), 0.97)]


class Two(Fixed):
    def faces(self, image):
        return [*super().faces(image), Face(np.float32([0, 0, 30, 30]), np.float32(ARCFACE / 4), 0.5)]


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("ann/1.png", "ann/2.jpg", "bob/1.bmp", "bob/deep/2.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(1, 256, (130, 140, 3), dtype=np.uint8)).save(path)
    Image.new("RGB", (130, 130)).save(tmp_path / "photos" / "bob" / "dark.png")
    (tmp_path / "photos" / "ann" / "notes.txt").write_text("no photo")
    (tmp_path / "photos" / ".cache").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "photos" / ".cache" / "x.png")
    return tmp_path / "photos"


def files(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))


def run(photos, out, detector=None, settings=None, **options):
    return align_folder(photos, out, settings, detector=detector or Fixed(), **options)


CROPS = ["ann/1.png", "ann/2.png", "bob/1.png", "bob/deep/2.png"]


@pytest.mark.parametrize("table", ["csv", "parquet"])
def test_folders_are_kept_and_the_table_is_complete(photos, tmp_path, table):
    if table == "parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path / "out"
    summary = run(photos, out, table=table)
    assert files(out) == CROPS
    assert (summary.photos, summary.crops, summary.no_face, summary.unreadable) == (5, 4, 1, 0)
    assert summary.table == str(out / f"faces.{table}")
    rows = {row["source"]: row for row in read_table(out / f"faces.{table}")}
    assert rows["bob/dark.png"]["reason"] == "no face"
    assert rows["bob/dark.png"]["output"] == ""
    row = rows["ann/1.png"]
    assert set(row) == set(COLUMNS)
    assert (row["width"], row["height"], row["faces"], row["score"]) == (140, 130, 1, pytest.approx(0.97))
    np.testing.assert_allclose([row[f"m0{i}"] for i in range(3)], [1, 0, -8], atol=1e-5)
    original = read_image(photos / "ann/1.png")
    np.testing.assert_array_equal(read_image(out / "ann/1.png"), original[8:120, 8:120])
    assert not (out / ".faces.jsonl").exists()


def test_a_second_call_processes_only_missing_photos(photos, tmp_path):
    out, detector = tmp_path / "out", Fixed()
    run(photos, out, detector)
    assert detector.seen == 5
    assert run(photos, out, detector).done_before == 5
    assert detector.seen == 5
    (out / "ann" / "1.png").unlink()
    (out / "bob" / "1.png").write_bytes(b"")
    Image.fromarray(np.full((130, 130, 3), 9, np.uint8)).save(photos / "new.png")
    summary = run(photos, out, detector)
    assert (detector.seen, summary.crops) == (8, 5)
    run(photos, out, detector, retry=True)
    assert detector.seen == 9  # the one without a face


def test_a_killed_run_continues(photos, tmp_path, monkeypatch):
    """The journal holds the finished photos, its last line is incomplete, and there is no table."""
    monkeypatch.setattr("facezoo.align.batch.SHARE", 2)
    out = tmp_path / "out"

    class Dies(Fixed):
        def detect_batch(self, images):
            if self.seen >= 2:
                raise KeyboardInterrupt
            return super().detect_batch(images)

    with pytest.raises(KeyboardInterrupt):
        run(photos, out, Dies(), settings=AlignSettings())
    assert not (out / "faces.parquet").exists()
    journal = out / ".faces.jsonl"
    assert len(journal.read_text().splitlines()) == 2
    journal.write_text(journal.read_text() + '{"source": "bob/1.b')
    record = json.loads((out / ".faces.json").read_text())
    (out / ".faces.json").write_text(json.dumps({**record, "detector": "Fixed"}))
    detector = Fixed()
    summary = run(photos, out, detector)
    assert detector.seen == 3
    assert (summary.crops, summary.done_before) == (4, 2)
    assert files(out) == CROPS


def test_all_faces_of_a_photo(photos, tmp_path):
    summary = run(photos, tmp_path / "out", Two(), AlignSettings(face="all", format="jpg"))
    assert summary.crops == 8
    assert (tmp_path / "out" / "ann" / "1_0.jpg").is_file()
    assert (tmp_path / "out" / "ann" / "1_1.jpg").is_file()


def test_faces_below_the_minimum_score_are_left_out(photos, tmp_path):
    assert run(photos, tmp_path / "out", Two(), AlignSettings(face="all", min_score=0.6)).crops == 4


def test_names_that_differ_in_extension_only(photos, tmp_path):
    Image.fromarray(np.full((130, 130, 3), 9, np.uint8)).save(photos / "ann" / "1.jpg")
    run(photos, tmp_path / "out")
    assert "ann/1.jpg.png" in files(tmp_path / "out")
    assert "ann/1.png.png" in files(tmp_path / "out")


def test_size_margin_and_template(photos, tmp_path):
    run(photos, tmp_path / "a", settings=AlignSettings(template="sphereface96x112"))
    assert read_image(tmp_path / "a" / "ann" / "1.png").shape == (112, 96, 3)
    run(photos, tmp_path / "b", settings=AlignSettings(size=(150, 140), margin=0.25))
    assert read_image(tmp_path / "b" / "ann" / "1.png").shape == (150, 140, 3)


def test_unreadable_photos_are_listed_and_too_many_fail(photos, tmp_path):
    (photos / "ann" / "broken.jpg").write_bytes(b"\xff\xd8\xff not a photo")
    summary = run(photos, tmp_path / "out", max_unreadable=0.5)
    assert (summary.unreadable, summary.crops) == (1, 4)
    rows = read_table(Path(summary.table))
    assert [row["source"] for row in rows if row["reason"].startswith("unreadable")] == ["ann/broken.jpg"]
    with pytest.raises(DataError, match=r"1 of 6 photos are unreadable.*broken\.jpg"):
        run(photos, tmp_path / "out", max_unreadable=0.1)


def test_other_settings_need_another_folder(photos, tmp_path):
    run(photos, tmp_path / "out")
    with pytest.raises(ConfigError, match="template 'arcface112', not 'arcface224'"):
        run(photos, tmp_path / "out", settings=AlignSettings(template="arcface224"))


def test_the_backend_may_change(photos, tmp_path):
    run(photos, tmp_path / "out", settings=AlignSettings(backend="torch"))
    assert run(photos, tmp_path / "out", settings=AlignSettings(backend="paddle")).done_before == 5


def test_two_runs_into_one_folder(photos, tmp_path):
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".faces.lock"), pytest.raises(DataError, match="another process"):
        run(photos, tmp_path / "out")


def test_paths_that_do_not_work(photos, tmp_path):
    with pytest.raises(ConfigError, match="is inside the folder of photos"):
        run(photos, photos / "out")
    with pytest.raises(DataError, match="no such folder"):
        run(tmp_path / "missing", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="holds no photo"):
        run(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(DataError, match="must be a folder"):
        run(photos, tmp_path / "file")
    with pytest.raises(ConfigError, match="workers is 0"):
        run(photos, tmp_path / "out", workers=0)


@pytest.mark.parametrize(
    ("values", "error", "received"),
    [
        ({"face": "biggest"}, UnknownNameError, "'biggest'"),
        ({"format": "gif"}, UnknownNameError, "'gif'"),
        ({"min_score": 2}, ConfigError, "is 2"),
        ({"frame_step": 0}, ConfigError, "is 0"),
        ({"template": "arcface"}, UnknownNameError, "'arcface'"),
        ({"size": (4, 5)}, ConfigError, "4x5"),
    ],
)
def test_settings_out_of_range(values, error, received):
    with pytest.raises(error, match=received):
        AlignSettings(**values)


def test_landmarks_instead_of_a_detector(photos, tmp_path):
    points = ",".join(str(value) for value in (ARCFACE + 8).ravel())
    listing = tmp_path / "landmarks.csv"
    listing.write_text(f"ann/1.png,1,1,0.99,{points}\nann/2.jpg,0,0,0,{','.join('0' * 10)}\nbob/1.bmp,0,0\n")
    summary = align_folder(photos, tmp_path / "out", AlignSettings(landmarks=str(listing)))
    assert files(tmp_path / "out") == ["ann/1.png"]
    assert summary.no_face == 4
    original = read_image(photos / "ann/1.png")
    np.testing.assert_array_equal(read_image(tmp_path / "out/ann/1.png"), original[8:120, 8:120])


def test_the_table_is_a_landmark_file(photos, tmp_path):
    first = run(photos, tmp_path / "a", table="csv")
    align_folder(photos, tmp_path / "b", AlignSettings(landmarks=first.table))
    for name in CROPS:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("text", ["", "a.jpg,1,2,3\n", "source,left_eye_x\na.jpg,1\n", "a.jpg" + ",x" * 10 + "\n"])
def test_landmark_files_of_another_layout(photos, tmp_path, text):
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(DataError, match=r"landmark|line 1"):
        align_folder(photos, tmp_path / "out", AlignSettings(landmarks=str(tmp_path / "l.csv")))


def test_contact_sheet(photos, tmp_path):
    summary = run(photos, tmp_path / "out")
    assert contact_sheet(read_table(Path(summary.table)), tmp_path / "out", tmp_path / "sheet.png") == 4
    assert read_image(tmp_path / "sheet.png").shape[1] == 4 * (112 + 8) + 8
    page = (tmp_path / "sheet.html").read_text("utf-8")
    for name in CROPS:
        assert name in page
    with pytest.raises(DataError, match="no crop"):
        contact_sheet([], tmp_path / "out", tmp_path / "sheet.png")


def test_a_file_that_is_not_a_table(tmp_path):
    (tmp_path / "faces.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not a table"):
        read_table(tmp_path / "faces.csv")
    write_table([], tmp_path / "faces.csv")
    assert read_table(tmp_path / "faces.csv") == []


@pytest.mark.parametrize("table", ["csv", "parquet"])
def test_a_replaced_photo_is_aligned_again(photos, tmp_path, table):
    run(photos, tmp_path / "out", table=table)
    before = (tmp_path / "out/ann/1.png").read_bytes()
    Image.new("RGB", (130, 140), "red").save(photos / "ann/1.png")
    Image.new("RGB", (130, 140)).save(photos / "ann/2.jpg")  # black: no face
    detector = Fixed()
    summary = run(photos, tmp_path / "out", detector, table=table)
    assert detector.seen == 2
    assert (tmp_path / "out/ann/1.png").read_bytes() != before
    assert not (tmp_path / "out/ann/2.png").exists()
    assert summary.crops == len(files(tmp_path / "out"))
    assert run(photos, tmp_path / "out", detector, table=table).done_before == summary.photos


def test_a_table_without_the_state_of_the_photos(photos, tmp_path):
    summary = run(photos, tmp_path / "out", table="csv")
    lines = Path(summary.table).read_text().splitlines()
    Path(summary.table).write_text("\n".join(line.rsplit(",", 2)[0] for line in lines))
    assert run(photos, tmp_path / "out", table="csv").done_before == summary.photos
