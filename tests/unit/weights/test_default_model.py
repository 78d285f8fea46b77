"""``verify``, ``embed``, ``identify``, ``Embedder()`` and ``Recognizer()`` when no model is named."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys

import numpy as np
import pytest
import yaml
from faulty_server import serve
from graph_files import hse_arrays, write_graph
from PIL import Image

import facezoo
from facezoo import backends, weights
from facezoo.cli.main import main
from facezoo.errors import DownloadError
from facezoo.weights import store
from facezoo.weights.index import default_entry, dump_entry, load_index

GET = "to get it: facezoo weights download own-default"


@pytest.fixture
def served(tmp_path, server, monkeypatch):
    """A local server offers the default model of the user's own index; returns the server."""
    folder = tmp_path / "files"
    folder.mkdir()
    write_graph(folder, hse_arrays())
    files = []
    for name in ("faceres.json", "faceres.bin"):
        data = (folder / name).read_bytes()
        url = server.url(f"/{name}", serve(data))
        files.append({"name": name, "holds": "x", "urls": [url], "size": len(data), "hash_from": "computed"})
        files[-1]["sha256"] = hashlib.sha256(data).hexdigest()
    entry = {**yaml.safe_load(dump_entry(weights.get("hse-mobilenet-vggface2"))), "name": "own-default"}
    point = {"pairs": "LFW", "aligner": "mtcnn", "flip": "sum", "source": "facezoo evaluate"}
    thresholds = [{"fmr": 0.01, "threshold": 0.4, **point}, {"fmr": 0.001, "threshold": 0.6, **point}]
    (tmp_path / "index").mkdir()
    text = yaml.safe_dump({**entry, "files": files, "thresholds": thresholds})
    (tmp_path / "index" / "own.yaml").write_text(text)
    monkeypatch.setenv("FACEZOO_WEIGHTS_INDEX", str(tmp_path / "index"))
    monkeypatch.delenv("FACEZOO_MIRROR", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return server


@pytest.fixture
def crops(tmp_path):
    draw = np.random.default_rng(3)
    paths = [tmp_path / f"{name}.png" for name in "ab"]
    for path in paths:
        Image.fromarray(draw.integers(0, 256, (224, 224, 3), np.uint8)).save(path)
    return [str(path) for path in paths]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def answer(monkeypatch, *answers):
    """Sit at a terminal and give these answers; returns the questions."""
    asked, left = [], list(answers)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("typer.confirm", lambda text, **options: asked.append(text) or left.pop(0))
    return asked


def test_the_index_has_one_default_model():
    defaults = [entry for entry in load_index().values() if entry.default]
    assert [entry.name for entry in defaults] == ["hse-mobilenet-vggface2"]
    (entry,) = defaults
    assert entry.loads
    assert entry.doubts() == []
    assert all(file.urls and isinstance(file.size, int) for file in entry.files)
    assert {point.fmr for point in entry.thresholds} == {0.01, 0.001}
    assert all("facezoo evaluate" in point.source for point in entry.thresholds)


@pytest.mark.parametrize("verb", ["verify A B", "embed A --out e.npz", "identify A --gallery B"])
def test_without_a_terminal_one_line_says_how_to_get_it(served, crops, capsys, verb):
    words = verb.replace("A", crops[0]).replace("B", crops[1]).split()
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert GET in said
    assert "MB, licence of the weights: MIT" in said
    assert not served.seen


def test_from_python_nothing_is_asked(served, monkeypatch):
    asked = answer(monkeypatch)
    for create in (facezoo.Embedder, facezoo.load_pretrained, facezoo.Recognizer):
        with pytest.raises(DownloadError, match=GET):
            create()
    assert not asked
    weights.fetch("own-default")
    rows = [facezoo.Embedder(name, flip=False) for name in (None, "own-default")]
    crop = np.zeros((1, 224, 224, 3), np.uint8)
    np.testing.assert_array_equal(*(embedder.embed(crop) for embedder in rows))
    assert facezoo.load_pretrained().embedding_size == 1024


def test_at_a_terminal_one_question(served, crops, capsys, monkeypatch):
    words = ["verify", *crops, "--aligned"]
    asked = answer(monkeypatch, False, True)
    assert main(words) == 2
    assert GET in capsys.readouterr().err
    assert not served.seen
    assert main(words) == 0
    said = capsys.readouterr()
    assert "the default model is own-default" in said.err
    assert "licence of the weights: MIT" in said.err
    assert "score" in said.out
    assert main(words) == 0  # neither asked nor downloaded again
    assert capsys.readouterr().err == ""
    shutil.rmtree(weights.folder_of("own-default"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(words) == 0  # the consent is kept
    assert asked == ["Download it once?"] * 2
    assert len(served.seen["/faceres.bin"]) == 2


@pytest.mark.parametrize("backend", sorted(backends.INSTALL))
def test_after_a_download_both_backends_answer(served, crops, capsys, backend):
    assert main(["weights", "download", "own-default", "--quiet"]) == 0
    capsys.readouterr()
    assert main(["verify", *crops, "--aligned", "--json", "--backend", backend]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["threshold"], result["fmr"]) == (0.6, 0.001)
    assert result["meaning"] == "about 0.001 of impostor pairs reach it, measured on LFW"
    assert "measured with aligner 'mtcnn', this score has 'aligned'" in result["notes"][0]
    assert main(["verify", *crops, "--aligned", "--json", "--backend", backend, "--fmr", "0.01"]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == 0.4
    assert main(["verify", *crops, "--aligned", "--fmr", "0.5"]) == 2
    assert "unknown FMR '0.5'; did you mean '0.01'? (known: 0.001, 0.01)" in capsys.readouterr().err


def test_new_thresholds_of_the_index_are_used(served, crops, capsys, tmp_path, monkeypatch):
    assert main(["weights", "download", "own-default", "--quiet"]) == 0
    assert main(["verify", *crops, "--aligned"]) == 0
    file = weights.canonical_path("own-default")
    before = file.read_bytes()
    place = tmp_path / "index" / "own.yaml"
    place.write_text(place.read_text().replace("threshold: 0.6", "threshold: 0.7"))
    capsys.readouterr()
    assert main(["verify", *crops, "--aligned", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == 0.7
    assert file.read_bytes() == before  # galleries and calibrations know a model by the hash of its file
    monkeypatch.delenv("FACEZOO_WEIGHTS_INDEX")
    assert main(["verify", *crops, "--aligned", "--json", "--weights", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == 0.6  # of the file


def test_offline(served, crops, capsys, monkeypatch, tmp_path):
    store.consent(default_entry())
    monkeypatch.setenv("FACEZOO_OFFLINE", "1")
    assert main(["verify", *crops, "--aligned"]) == 2
    assert "FACEZOO_OFFLINE is set, and faceres.json is not at" in capsys.readouterr().err
    assert not served.seen
    monkeypatch.setenv("FACEZOO_MIRROR", str(tmp_path / "files"))
    assert main(["verify", *crops, "--aligned"]) == 0
    assert not served.seen
