"""Bad input on the command line: exit code 2, and one line with the value, the expected values and the nearest name."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo.cli import main as cli
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.errors import UnknownNameError

TINY = [
    "--config", "tiny_mobilefacenet", "--steps", "2", "--batch-size", "4", "--set", "backbone_options.input_size=32",
    "--set", "compiled=false", "--set", "threads=1",
]  # fmt: skip


def fails(words, capsys) -> str:
    """The one line on standard error of a call that must end with exit code 2."""
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert code == 2, captured
    assert len(lines) == 1, lines
    assert lines[0].startswith("facezoo: ")
    return lines[0]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Three people with eight images each."""
    folder = tmp_path_factory.mktemp("faces")
    source = SyntheticFaces(3, 8, size=32)
    for index, label in enumerate(source.labels):
        (folder / f"person{label}").mkdir(exist_ok=True)
        Image.fromarray(source.image(index)).save(folder / f"person{label}" / f"{index}.png")
    return folder


@pytest.mark.parametrize(
    ("words", "received", "nearest"),
    [
        (["--backbone", "IR51"], "'IR51'", "'IR50'"),
        (["--head", "ArcFase"], "'ArcFase'", "'ArcFace'"),
        (["--set", "schedule.warmpu=0.1"], "'schedule.warmpu'", "'schedule.warmup'"),
        (["--set", "head_options.margn=0.4"], "'margn'", "'margin'"),
        (["--set", "backbone_options.dropot=0.4"], "'dropot'", "'dropout'"),
        (["--config", "no_such_recipe"], "'no_such_recipe'", "tiny_mobilefacenet"),
    ],
)
def test_an_unknown_name_gets_the_nearest(words, received, nearest, capsys):
    line = fails(["train", *words, "--dry-run"], capsys)
    assert received in line
    assert nearest in line or words[0] == "--config"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--backend", "pytorch"], "'pytorch'"),
        (["--batch-size", "1"], "batch_size is 1"),
        (["--lr", "-1"], "lr is -1"),
        (["--precision", "float8"], "'float8'"),
        (["--set", "head_options.margin=9"], "9"),
        (["--set", "nothing"], "'nothing'"),
        (["--steps", "many"], "'many'"),
        (["--no-such-option"], "--no-such-option"),
    ],
)
def test_a_wrong_value_is_shown(words, shown, capsys):
    assert shown in fails(["train", *words, "--dry-run"], capsys)


def test_an_unknown_verb(capsys):
    assert "did you mean 'train'?" in fails(["trian"], capsys)


def test_a_file_that_is_not_a_configuration(tmp_path, capsys):
    path = tmp_path / "bad.yaml"
    path.write_text("backbone: [IR50\n")
    assert str(path) in fails(["train", "--config", path, "--dry-run"], capsys)
    path.write_text("- IR50\n")
    assert "list" in fails(["config", "check", path], capsys)
    path.write_text("bakcbone: IR50\n")
    assert "'backbone'" in fails(["config", "check", path], capsys)


def test_a_missing_and_an_empty_folder(tmp_path, backend, capsys):
    words = ["train", *TINY, "--backend", backend, "--out", tmp_path / "run", "--data"]
    assert str(tmp_path / "nowhere") in fails([*words, tmp_path / "nowhere"], capsys)
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in fails([*words, tmp_path / "empty"], capsys)


def test_one_identity_only(faces, tmp_path, backend, capsys):
    shutil.copytree(faces / "person0", tmp_path / "one" / "person0")
    line = fails(["train", *TINY, "--backend", backend, "--out", tmp_path / "run", "--data", tmp_path / "one"], capsys)
    assert "identit" in line
    assert "2" in line


def test_unreadable_images_are_skipped_counted_and_listed(tmp_path, capsys):
    source = SyntheticFaces(5, 40, size=32)
    for index, label in enumerate(source.labels):
        (tmp_path / "data" / f"p{label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(source.image(index)).save(tmp_path / "data" / f"p{label}" / f"{index}.png")
    bad = tmp_path / "data" / "p0" / "0.png"
    bad.write_bytes(bad.read_bytes()[:100])  # 1 of 200 is truncated
    words = ["train", *TINY, "--steps", "10", "--batch-size", "20", "--data", tmp_path / "data"]
    run = tmp_path / "run"
    assert cli.main([str(word) for word in [*words, "--out", run]]) == 0
    assert "1 images could not be read" in capsys.readouterr().err
    assert "0.png" in (run / "bad_images.txt").read_text()
    for index in range(1, 8):
        (tmp_path / "data" / "p0" / f"{index}.png").write_bytes(b"not an image")
    line = fails_after_progress([*words, "--out", tmp_path / "second"], capsys)
    assert re.search(r"\d of 200 images", line)
    assert "p0" in line


def fails_after_progress(words, capsys) -> str:
    """Like :func:`fails`, for a call that printed progress before."""
    assert cli.main([str(word) for word in words]) == 2
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("facezoo: ")][-1]


def test_a_checkpoint_of_another_architecture(faces, tmp_path, capsys):
    run = tmp_path / "run"
    assert cli.main(["train", *TINY, "--data", str(faces), "--out", str(run)]) == 0
    capsys.readouterr()
    state = next(run.glob("checkpoints/step-*"))
    other = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=16, input_size=32)
    facezoo.save_weights(other, state / "backbone.safetensors")
    stored = json.loads((state / "state.json").read_text("utf-8"))
    (state / "state.json").write_text(json.dumps({**stored, "files": {}}), "utf-8")
    line = fails_after_progress(["train", "--resume", "--out", run], capsys)
    assert "16" in line
    assert "128" in line
    state_file = state / "state.json"
    state_file.write_text(state_file.read_text()[:40])
    assert "state.json" in fails_after_progress(["train", "--resume", "--out", run], capsys)


def test_a_run_is_not_overwritten_and_its_settings_stay(faces, tmp_path, capsys):
    run = tmp_path / "run"
    words = ["train", *TINY, "--data", str(faces), "--out", str(run)]
    assert cli.main(words) == 0
    capsys.readouterr()
    assert "--resume" in fails(words, capsys)
    line = fails(["train", "--resume", "--out", run, "--batch-size", "7"], capsys)
    assert "batch_size is 7" in line


def test_resume_without_a_run(tmp_path, capsys):
    assert str(tmp_path / "none") in fails(["train", "--resume", "--out", tmp_path / "none"], capsys)
    assert "--out" in fails(["train", "--resume"], capsys)


def test_report_of_no_run(tmp_path, capsys):
    assert str(tmp_path) in fails(["report", tmp_path], capsys)


@pytest.mark.parametrize(("name", "framework"), [("torch", "torch"), ("paddle", "paddle")])
def test_a_backend_that_is_not_installed(name, framework, faces, tmp_path):
    code = f"""
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda wanted, package=None: None if wanted == {framework!r} else real(wanted, package)
from facezoo.cli.main import main
sys.exit(main(["train", "--backend", {name!r}, "--out", {str(tmp_path / "run")!r}, "--data", {str(faces)!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("facezoo: ")
    assert f"pip install 'facezoo[{name}]'" in line
    assert not (tmp_path / "run").exists()


def test_files_that_are_not_weights(tmp_path, capsys):
    path = tmp_path / "weights.safetensors"
    words = ["evaluate", "--protocol", "lfw", "--data", tmp_path, "--weights", path]
    assert str(path) in fails(words, capsys)
    path.write_bytes(np.random.default_rng(0).bytes(1000))
    assert str(path) in fails(words, capsys)
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(3, np.float32)}, path)
    assert "metadata" in fails(words, capsys)
    block = {"format_version": 99, "backbone": "IR50", "variant": {}}
    save_file({"x": np.zeros(3, np.float32)}, path, {"facezoo": json.dumps(block)})
    assert "99" in fails(words, capsys)


def test_debug_shows_the_traceback():
    with pytest.raises(UnknownNameError, match="IR51"):
        cli.main(["train", "--backbone", "IR51", "--dry-run", "--debug"])
