"""``facezoo datasets pack`` and ``check`` on the command line."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from facezoo.cli.main import main


@pytest.fixture
def faces(tmp_path):
    for name in ("ann", "bo"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for number in range(3):
            pixels = np.random.default_rng([len(name), number]).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "in" / name / f"{number}.png")
    return tmp_path / "in"


def run(capsys, *words):
    code = main(["datasets", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("format", ["folder", "rec", "shards", "bin"])
def test_pack_then_check(faces, tmp_path, capsys, format):
    out = tmp_path / f"out{'.bin' if format == 'bin' else ''}"
    code, text, _ = run(capsys, "pack", faces, out, "--format", format, "--pairs", 40)
    assert code == 0
    assert text.startswith(f"{out}: ")
    code, text, _ = run(capsys, "check", out, "--json", "--workers", 1)
    assert code == 0
    report = json.loads(text)
    assert report["kind"] == format
    assert report["broken"] == []
    assert report["images"] >= 4


def test_pack_as_json(faces, tmp_path, capsys):
    code, text, _ = run(capsys, "pack", faces, tmp_path / "out", "--format", "rec", "--json")
    assert code == 0
    assert json.loads(text) == {
        "out": str(tmp_path / "out"),
        "format": "rec",
        "images": 6,
        "identities": 2,
        "broken": 0,
        "broken_list": None,
    }


def test_check_lists_broken_images_and_exits_with_1(faces, tmp_path, capsys):
    (faces / "ann" / "1.png").write_bytes((faces / "ann" / "0.png").read_bytes()[:90])
    code, text, _ = run(capsys, "check", faces, "--list-broken", tmp_path / "broken.txt", "--workers", 1)
    assert code == 1
    assert "6 images, 2 identities" in text
    assert "broken: 1" in text
    assert f"{faces}/ann/1.png: broken or truncated" in text
    assert (tmp_path / "broken.txt").read_text().startswith(f"{faces}/ann/1.png\t")


def one_line(err):
    assert err.startswith("facezoo: ")
    assert err.count("\n") == 1
    return err


def test_bad_input_is_one_line_and_exit_code_2(faces, tmp_path, capsys):
    code, _, err = run(capsys, "check", tmp_path / "nothing")
    assert code == 2
    assert "nothing: no such file or folder" in one_line(err)
    code, _, err = run(capsys, "pack", faces, tmp_path / "out", "--format", "record")
    assert code == 2
    assert "unknown format 'record'; did you mean 'rec'" in one_line(err)
    code, _, err = run(capsys, "pack", faces, faces, "--format", "rec")
    assert code == 2
    assert "exists" in one_line(err)
    (tmp_path / "evil.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    code, _, err = run(capsys, "check", tmp_path / "evil.bin")
    assert code == 2
    assert "it asks for 'os.system'" in one_line(err)
    (tmp_path / "half.bin").write_bytes(pickle.dumps(([b"x"] * 2, [True]))[:20])
    code, _, err = run(capsys, "check", tmp_path / "half.bin")
    assert code == 2
    assert "not a readable pickle" in one_line(err)


def test_pack_past_the_share_of_broken_images(faces, tmp_path, capsys):
    (faces / "ann" / "1.png").write_bytes(b"")
    code, _, err = run(capsys, "pack", faces, tmp_path / "out", "--format", "shards")
    assert code == 2
    assert "1 of 6 images cannot be read" in one_line(err)
    assert not (tmp_path / "out").exists()
    code, text, _ = run(capsys, "pack", faces, tmp_path / "out", "--format", "shards", "--max-broken", 0.2)
    assert code == 0
    assert "1 images cannot be read and were left out" in text


def test_several_processes_from_the_shell(faces):
    for number in range(70):
        (faces / "bo" / f"x{number}.png").write_bytes((faces / "bo" / "0.png").read_bytes())
    command = [sys.executable, "-m", "facezoo", "datasets", "check", str(faces), "--workers", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["duplicates"][0]) == 71


def test_ctrl_c_ends_with_one_line_and_leaves_nothing(faces, tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("facezoo.data.tools.writers.read_image", interrupted)
    code, _, err = run(capsys, "pack", faces, tmp_path / "out", "--format", "folder")
    assert code == 130
    assert err.strip() == "facezoo: interrupted"
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
