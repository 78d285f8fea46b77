"""``facezoo config`` and ``facezoo report``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from facezoo.cli import main as cli
from facezoo.training.config import RunConfig
from facezoo.training.config_file import build_config, dump_config, load_config, recipes


def test_show_prints_every_key_and_accepts_changes(capsys):
    assert cli.main(["config", "show", "tiny_mobilefacenet", "--set", "schedule.warmup=0.25", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == set(RunConfig.model_fields)
    assert shown["schedule"]["warmup"] == 0.25
    assert shown["backbone"] == "MobileFaceNet"


def test_shown_yaml_is_a_configuration(tmp_path, capsys):
    assert cli.main(["config", "show", "tiny_mobilefacenet"]) == 0
    path = tmp_path / "copy.yaml"
    path.write_text(capsys.readouterr().out)
    assert load_config(path) == load_config("tiny_mobilefacenet")
    assert cli.main(["config", "check", str(path)]) == 0


def test_list_names_every_recipe(capsys):
    assert cli.main(["config"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == sorted(recipes())


@pytest.fixture
def run(tmp_path):
    """A run's folder as training leaves it: forty steps, two validations, one bad image."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text(dump_config(build_config({"steps": 40, "notes": "<script>"})))
    records = [
        {"step": step, "loss": 10 / step, "learning_rate": 0.1, "grad_norm": 1.0, "images_per_second": 50.0}
        for step in range(1, 41)
    ]
    records += [
        {"step": step, "validation": "16 held-out identities", "accuracy": accuracy, "standard_error": 0.01}
        for step, accuracy in ((20, 0.9), (40, 0.875))
    ]
    lines = [json.dumps(record) for record in sorted(records, key=lambda record: record["step"])]
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n" + '{"step": 41, "lo')  # truncated by a crash
    (folder / "bad_images.txt").write_text("a.jpg\ttruncated\n")
    (folder / "weights.safetensors").write_bytes(b"12345")
    return folder


def test_the_page_contains_curves_results_and_configuration(run, capsys):
    assert cli.main(["report", str(run)]) == 0
    page = (run / "report.html").read_text("utf-8")
    assert str(run / "report.html") in capsys.readouterr().out
    for name in ("loss", "learning rate", "validation"):
        assert f'alt="{name}: ' in page
    for text in (
        "40 of 40",
        "0.2500",
        "87.50 %",
        "90.00 % at step 20",
        "synthetic faces",
        "warmup: 0.05",
        "5994471abb01",
    ):
        assert text in page, text
    assert "<script>" not in page
    assert page.count("data:image/svg+xml;base64,") == 4
    assert "http" not in page.replace("http-equiv", "")


def test_a_run_without_a_log_gets_a_page(run, tmp_path):
    (run / "log.jsonl").unlink()
    page = tmp_path / "page.html"
    assert cli.main(["report", str(run), "--out", str(page)]) == 0
    assert 'alt="loss: no values yet"' in page.read_text("utf-8")


@pytest.mark.parametrize("library", ["matplotlib", "jinja2"])
def test_a_missing_library_is_named(library, run):
    code = f"""
import sys
sys.modules[{library!r}] = None
from facezoo.cli.main import main
sys.exit(main(["report", {str(run)!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert library in done.stderr
    assert "pip install 'facezoo[report]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (run / "report.html").exists()
