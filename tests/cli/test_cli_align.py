"""``facezoo align`` and ``facezoo detect`` on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from facezoo import backends
from facezoo.align.templates import ARCFACE
from facezoo.cli.main import main
from facezoo.data.image import read_image

COUNT = 6


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "photos" / "ann").mkdir(parents=True)
    lines = []
    for number in range(COUNT):
        Image.fromarray(rng.integers(0, 256, (130, 130, 3), dtype=np.uint8)).save(
            tmp_path / "photos" / "ann" / f"{number}.png"
        )
        lines.append(f"ann/{number}.png," + ",".join(str(value) for value in (ARCFACE + 8).ravel()))
    (tmp_path / "landmarks.csv").write_text("\n".join(lines))
    return tmp_path / "photos"


def align(photos, *words):
    out = photos.parent / "out"
    return main(["align", str(photos), str(out), "--workers", "1", *map(str, words)]), out


def by_file(photos):
    return ["--landmarks", str(photos.parent / "landmarks.csv")]


def test_align_by_a_landmark_file(photos, capsys):
    code, out = align(photos, *by_file(photos), "--json", "--contact-sheet", "--table", "csv")
    assert code == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["photos"], summary["crops"]) == (COUNT, COUNT)
    for number in range(COUNT):
        crop = read_image(out / "ann" / f"{number}.png")
        np.testing.assert_array_equal(crop, read_image(photos / "ann" / f"{number}.png")[8:120, 8:120])
    assert read_image(out / "contact_sheet.png").shape[1] == COUNT * (112 + 8) + 8
    assert (out / "faces.csv").read_text().startswith("source,face,output,reason,")


def test_a_second_call_reports_what_was_done_before(photos, capsys):
    align(photos, *by_file(photos))
    capsys.readouterr()
    assert align(photos, *by_file(photos))[0] == 0
    assert f"{COUNT} photos, {COUNT} done before: {COUNT} crops" in capsys.readouterr().out


@pytest.mark.parametrize("backend", sorted(backends.INSTALL))
def test_no_face_in_noise(photos, capsys, backend):
    code, _ = align(photos, "--backend", backend, "--min-face-size", 40, "--json")
    assert code == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["crops"] + summary["no_face"] == COUNT


def test_several_workers_write_the_same_files(photos, capsys, monkeypatch):
    monkeypatch.setattr("facezoo.align.batch.SHARE", 2)
    out = photos.parent / "many"
    words = ["align", str(photos), str(out), "--workers", "2", "--table", "csv", *by_file(photos)]
    assert main(words) == 0
    _, alone = align(photos, *by_file(photos), "--table", "csv")
    assert (out / "faces.csv").read_text() == (alone / "faces.csv").read_text()
    for number in range(COUNT):
        assert (out / "ann" / f"{number}.png").read_bytes() == (alone / "ann" / f"{number}.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--template", "arcfac112"], "did you mean 'arcface112'"),
        (["--face", "bigest"], "did you mean 'largest'"),
        (["--size", "big"], "--size is 'big'"),
        (["--size", "4"], "4x4"),
        (["--table", "excel"], "unknown table format 'excel'"),
        (["--landmarks", "missing.csv"], "missing.csv"),
        (["--backend", "jax"], "unknown backend 'jax'"),
        (["--detector", "dlib"], "unknown detector 'dlib'"),
        (["--min-face-size", "3"], "min_face_size is 3"),
    ],
)
def test_bad_input_is_one_line(photos, capsys, words, message):
    code, out = align(photos, *words)
    captured = capsys.readouterr()
    assert code == 2
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("facezoo: ")
    assert message in captured.err
    assert not list(out.rglob("*.png")) if out.exists() else True


def test_missing_photos(tmp_path, capsys):
    assert main(["align", str(tmp_path / "none"), str(tmp_path / "out")]) == 2
    assert "no such folder of photos" in capsys.readouterr().err


SLOW = """
import sys, time
from facezoo.align import worker
write = worker._write_image
def slow(crop, path):
    time.sleep(0.2)
    write(crop, path)
worker._write_image = slow
from facezoo.align import batch
batch.SHARE = 1
from facezoo.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_kill_and_continue(photos, capsys):
    """After kill -9 all written crops are complete, and the next call processes the other photos."""
    out = photos.parent / "out"
    words = ["align", str(photos), str(out), "--workers", "1", "--table", "csv", *by_file(photos)]
    process = subprocess.Popen([sys.executable, "-c", SLOW, *words], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(out.rglob("*.png"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = {path.name: path.stat().st_mtime_ns for path in out.rglob("*.png") if not path.name.startswith(".")}
    assert 2 <= len(before) < COUNT
    assert not (out / "faces.csv").exists()
    assert main([*words, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["crops"] == COUNT
    assert summary["done_before"] >= len(before) - 1
    kept = sum((out / "ann" / name).stat().st_mtime_ns == at for name, at in before.items())
    assert kept >= len(before) - 1


@pytest.mark.parametrize("backend", sorted(backends.INSTALL))
def test_detect(photos, capsys, backend):
    drawn = photos.parent / "drawn.png"
    assert main(["detect", str(photos / "ann" / "0.png"), "--backend", backend, "--draw", str(drawn), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["width"], result["height"]) == (130, 130)
    assert read_image(drawn).shape == (5 * 130, 5 * 130, 3)  # enlarged for the labels


def test_detect_reports_bad_input(photos, capsys):
    assert main(["detect", str(photos / "none.png")]) == 2
    assert "none.png" in capsys.readouterr().err
    assert main(["detect", str(photos / "ann" / "0.png"), "--draw", "drawn.gif"]) == 2
    assert ".png" in capsys.readouterr().err
