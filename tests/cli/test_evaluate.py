"""``facezoo evaluate`` from the command line: inputs, outputs and errors."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from facezoo.cli.main import main
from facezoo.evaluation.statistics.calibration import Calibration

YAML = """
name: mine
title: My pairs
embedding: {aligner: aligned, flip: sum}
tasks:
  - {name: mine, kind: pairs, pairs: pairs.txt, layout: paths, far: [0.1]}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a protocol, a list of pairs, embeddings of two models, and images of random noise."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(12), 5)
    names = np.array([f"p{label}/p{label}_{index:04d}.png" for index, label in enumerate(labels)])
    rows = (rng.normal(size=(12, 8))[labels] + rng.normal(size=(60, 8))).astype(np.float32)
    lines = []
    for index in range(60):
        mate = index - 1 if index % 5 else index + 1
        lines += [f"{names[index]} {names[mate]} 1", f"{names[index]} {names[(index + 17) % 60]} 0"]
    (tmp_path / "pairs.txt").write_text("\n".join(lines))
    (tmp_path / "mine.yaml").write_text(YAML)
    np.savez(tmp_path / "a.npz", embeddings=rows, name=names)
    np.savez(tmp_path / "b.npz", embeddings=rows + 3 * rng.normal(size=rows.shape), name=names)
    return tmp_path


def run(*words):
    return main(["evaluate", *map(str, words)])


def said(capsys):
    return capsys.readouterr()


MINE = ("--protocol", "mine.yaml", "--lists", ".")


def test_table_json_file_page_and_calibration(place, capsys):
    out, page = place / "a.json", place / "a.html"
    assert run(*MINE, "--embeddings", "a.npz", "--out", out, "--report", page, "--calibrate", 0.1) == 0
    printed = said(capsys)
    assert "accuracy" in printed.out
    assert "threshold" in printed.err
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert Calibration.load(place / "a.calibration.json").points[0].wanted_fmr == 0.1
    assert run(*MINE, "--embeddings", "a.npz", "--json") == 0
    shown = json.loads(said(capsys).out)
    stored = json.loads(out.read_text())
    assert shown["tasks"][0]["figures"] == stored["tasks"][0]["figures"]
    assert len(stored["tasks"][0]["pairs"]["scores"]) == 120
    assert shown["inputs"]["embeddings_sha256"]


def test_an_output_that_cannot_be_written_is_refused_before_the_work(place, capsys, monkeypatch):
    monkeypatch.setattr("facezoo.cli.evaluate_modes._result", lambda *_: pytest.fail("the work began"))
    (place / "file").write_text("")
    for option in ("--out", "--report", "--save-embeddings"):
        assert run(*MINE, "--embeddings", "a.npz", option, "file/a.json") == 2
        assert f"{option} is 'file/a.json'" in said(capsys).err
        assert run(*MINE, "--embeddings", "a.npz", option, ".") == 2
        assert "a folder; expected the name of a file" in said(capsys).err


def test_the_figures_are_printed_before_the_files_are_written(place, capsys, monkeypatch):
    def full(self, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("facezoo.evaluation.protocols.result.ProtocolResult.save", full)
    assert run(*MINE, "--embeddings", "a.npz", "--out", "a.json") == 2
    printed = said(capsys)
    assert "accuracy" in printed.out
    assert printed.err == "facezoo: cannot read or write 'a.json': No space left on device\n"


def test_compare_and_table(place, capsys):
    for name in "ab":
        assert run(*MINE, "--embeddings", f"{name}.npz", "--out", f"{name}.json") == 0
    said(capsys)
    assert run("--compare", "a.json", "b.json") == 0
    assert "the first model is better" in said(capsys).out
    assert run("--compare", "a.json", "a.json", "--json") == 0
    assert not any(item["distinguishable"] for item in json.loads(said(capsys).out))
    assert run("--table", "a.json", "b.json") == 0
    assert said(capsys).out.count("\n") == 4
    assert run("--table", "a.json", "--format", "latex") == 0
    assert r"\toprule" in said(capsys).out


def test_all_pairs_in_parts(place, capsys):
    assert run("--protocol", "all_pairs", "--embeddings", "a.npz", "--json") == 0
    whole = json.loads(said(capsys).out)["tasks"][0]["detail"]
    for number in (1, 2):
        assert (
            run("--protocol", "all_pairs", "--embeddings", "a.npz", "--part", f"{number}/2", "--out", f"{number}.npz")
            == 0
        )
    said(capsys)
    assert run("--merge", "2.npz", "1.npz", "--json") == 0
    merged = json.loads(said(capsys).out)
    assert merged["tar"] == whole["tar"]
    assert merged["eer"] == whole["eer"]
    assert run("--merge", "2.npz", "1.npz") == 0
    assert "TAR at FAR 0.01" in said(capsys).out
    assert run("--merge", "2.npz") == 2
    assert "parts [1] of 2" in said(capsys).err


def test_lists_are_found_beside_the_images(place, capsys):
    (place / "faces").mkdir()
    assert run("--protocol", "mine.yaml", "--embeddings", "a.npz", "--data", "faces", "--json") == 0
    first = json.loads(said(capsys).out)
    (place / "pairs.txt").rename(place / "other.txt")
    assert run("--protocol", "mine.yaml", "--embeddings", "a.npz", "--pairs", "other.txt", "--json") == 0
    second = json.loads(said(capsys).out)
    assert first["tasks"][0]["figures"] == second["tasks"][0]["figures"]
    assert list(second["tasks"][0]["lists"]) == ["other.txt"]
    assert run("--protocol", "lfw", "--embeddings", "a.npz", "--pairs", "other.txt") == 2
    assert run("--protocol", "all_pairs", "--embeddings", "a.npz", "--pairs", "other.txt") == 2
    assert "--pairs does not fit" in said(capsys).err


def test_scores_of_another_system(place, capsys):
    rng = np.random.default_rng(1)
    same = np.arange(200) % 2 == 0
    np.savez(place / "s.npz", scores=rng.normal(same), same=same)
    assert run("--protocol", "lfw", "--scores", "s.npz", "--json") == 0
    shown = json.loads(said(capsys).out)
    assert shown["tasks"][0]["detail"]["pairs"] == 200


def test_results_do_not_depend_on_the_batch_size(place, capsys, monkeypatch):
    """The model is replaced: the test covers everything from files to metrics."""
    rng = np.random.default_rng(2)
    stored = np.load(place / "a.npz")
    for name in stored["name"]:
        (place / "faces" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(place / "faces" / name)
    (place / "w.safetensors").write_bytes(b"weights")

    class Model:
        def __init__(self, path, *, backend, device, precision, runtime):
            from facezoo.specs.preprocess import Preprocess

            self.preprocess, self.backend = Preprocess(size=(16, 16)), backend

        def raw(self, images):
            return images[:, :, :, 1].reshape(len(images), -1).astype(np.float32) - 100

    monkeypatch.setattr("facezoo.Embedder", Model, raising=False)
    found = []
    for size in (1, 7, 64):
        words = ("--weights", "w.safetensors", "--data", "faces", "--batch-size", size, "--save-embeddings", "kept.npz")
        assert run(*MINE, *words, "--json") == 0
        shown = json.loads(said(capsys).out)
        found.append(json.dumps(shown["tasks"]))
        assert shown["inputs"]["backend"] == "torch"
    assert run(*MINE, "--weights", "w.safetensors", "--data", "faces", "--calibrate", 0.1, "--json") == 0
    said(capsys)
    source = Calibration.load("w.calibration.json").source
    assert (source["flip"], source["aligner"]) == ("sum", "aligned")
    assert source["weights_sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert found[0] == found[1] == found[2]
    assert run(*MINE, "--embeddings", "kept.npz", "--json") == 0
    assert json.dumps(json.loads(said(capsys).out)["tasks"]) == found[0]
    other = json.loads(found[0])
    assert run(*MINE, "--weights", "w.safetensors", "--data", "faces", "--flip", "none", "--json") == 0
    plain = json.loads(said(capsys).out)
    assert plain["protocol_sha256"] != shown["protocol_sha256"]
    assert plain["tasks"][0]["detail"]["auc"] != other[0]["detail"]["auc"]
    assert run("--protocol", "lfw", "--weights", "w.safetensors", "--data", "none") == 2
    assert "no folder or .bin 'none'" in said(capsys).err
    (place / "faces/p0/p0_0000.png").unlink()
    assert run(*MINE, "--weights", "w.safetensors", "--data", "faces") == 2
    assert "1 of 60 images are missing" in said(capsys).err


def test_bin_file(place, capsys, monkeypatch):
    import io

    from facezoo.data.sources.verification_bin import write_verification_bin

    rng = np.random.default_rng(3)
    images = []
    for _ in range(40):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(buffer, "PNG")
        images.append(buffer.getvalue())
    for pair in range(0, 40, 4):
        images[pair + 1] = images[pair]  # genuine pairs consist of two equal images
    write_verification_bin(place / "lfw.bin", images, [index % 2 == 0 for index in range(20)])
    (place / "w.safetensors").write_bytes(b"weights")

    class Model:
        def __init__(self, path, *, backend, device, precision, runtime):
            from facezoo.specs.preprocess import Preprocess

            self.preprocess, self.backend = Preprocess(size=(16, 16)), backend

        def raw(self, images):
            return images.reshape(len(images), -1).astype(np.float32) - 127

    monkeypatch.setattr("facezoo.Embedder", Model, raising=False)
    assert (
        run("--protocol", "lfw", "--weights", "w.safetensors", "--data", "lfw.bin", "--report", "r.html", "--json") == 0
    )
    shown = json.loads(said(capsys).out)
    assert shown["tasks"][0]["figures"][0]["value"] == 1.0
    assert shown["inputs"]["bin_sha256"]
    assert run("--protocol", "all_pairs", "--weights", "w.safetensors", "--data", "lfw.bin") == 2
    assert "a .bin holds one list of pairs" in said(capsys).err


@pytest.mark.parametrize(
    "words, message",
    [
        ((), "expected one of --weights, --embeddings, --scores"),
        (("--embeddings", "a.npz", "--scores", "s.npz"), "got --embeddings and --scores"),
        (("--weights", "w"), "--weights needs --data"),
        (("--embeddings", "none.npz"), "cannot read 'none.npz'"),
        (("--protocol", "lwf", "--embeddings", "a.npz"), "did you mean 'lfw'"),
        (("--embeddings", "a.npz"), "cannot read list 'pairs.txt'"),
        (("--embeddings", "a.npz", "--flip", "summ"), "did you mean 'sum'"),
        (("--embeddings", "a.npz", "--confidence", "95"), "--confidence is 95"),
        (("--compare", "a.json"), "--compare got 1 files"),
        (("--compare", "--table"), "exclude each other"),
        (("a.json",), "files go with --compare"),
        (("--table", "none.json"), "cannot read result 'none.json'"),
        (("--table", "mine.yaml"), "cannot read result"),
        (("--table",), "no results"),
        (("--protocol", "all_pairs", "--embeddings", "a.npz", "--part", "3/2", "--out", "x"), "--part is '3/2'"),
        (("--protocol", "all_pairs", "--embeddings", "a.npz", "--part", "1/2"), "--part needs --out"),
        (("--protocol", "mine.yaml", "--embeddings", "a.npz", "--part", "1/2", "--out", "x"), "cannot be split"),
        (("--protocol", "all_pairs", "--embeddings", "a.npz", "--calibrate", "0.1"), "no listed pairs"),
        (("--protocol", "all_pairs", "--scores", "a.npz"), "fits nothing else"),
        (("--scores", "a.npz"), "plain arrays scores and same"),
        ((*MINE, "--embeddings", "a.npz", "--calibrate", "1e-6"), "needs 1,000,000 impostor pairs"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(place, capsys, words, message):
    if "pairs.txt" in message:
        (place / "pairs.txt").unlink()
    assert run(*words) == 2
    error = said(capsys).err.strip().splitlines()[-1]
    assert error.startswith("facezoo: ")
    assert message in error


def test_protocols_are_listed(capsys):
    assert run("--list") == 0
    assert "lfw " in said(capsys).out
    assert run("--list", "--json") == 0
    assert any(item["name"] == "ijbc" for item in json.loads(said(capsys).out))


def test_no_framework_is_imported_for_stored_embeddings(place):
    code = (
        "import sys; from facezoo.cli.main import main; "
        "code = main(['evaluate', '--protocol', 'mine.yaml', '--lists', '.', '--embeddings', 'a.npz', '--json']); "
        "assert not {'torch', 'paddle', 'matplotlib'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_damaged_results(place, capsys):
    assert run(*MINE, "--embeddings", "a.npz", "--out", "a.json", "--json") == 0
    whole = (place / "a.json").read_text()
    for path in ("model", "tasks", "0", "0 figures", "0 figures 0", "0 name", "0 detail", "0 pairs same"):
        values = json.loads(whole)
        *above, last = [int(key) if key.isdigit() else key for key in path.split()]
        inside = values if last in ("model", "tasks") else values["tasks"]
        for key in above:
            inside = inside[key]
        inside[last] = {}
        (place / "b.json").write_text(json.dumps(values))
        for words in (("--table", "b.json"), ("--compare", "a.json", "b.json")):
            assert run(*words) == 2
            assert "'b.json' is a damaged result" in said(capsys).err


def test_names_are_not_markup_or_control_characters(place, capsys):
    assert run(*MINE, "--embeddings", "a.npz", "--model", "[red]model[/red]\x1b[31m") == 0
    assert r"[red]model[/red]\x1b[31m" in said(capsys).out.replace("\n", "")
    assert run("--table", "no\x1b[31m.json") == 2
    assert "\x1b" not in said(capsys).err
