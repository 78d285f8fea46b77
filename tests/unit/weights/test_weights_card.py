"""Model cards and published folders, from a small file to a served one."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from faulty_server import reset, serve

from facezoo import weights
from facezoo.checkpoints.foreign.imported import leaves_of
from facezoo.checkpoints.weights import write_weights
from facezoo.cli.main import main
from facezoo.download import Options
from facezoo.errors import CheckpointError, ConfigError, DataError
from facezoo.io.files import file_hash
from facezoo.weights.card import CardData, CardFigure, ModelCard, read_card, write_card
from facezoo.weights.index import dump_entry
from facezoo.weights.publish import publish
from facezoo.weights.verify import verify
from facezoo.zoo import catalog

QUICK = Options(backoff=0.0, reserve=0, sleep=lambda seconds: None)


@pytest.fixture
def file(tmp_path):
    """A weight file of a small network."""
    spec = catalog.backbone_spec("MobileFaceNet", embedding_size=128)
    state = {leaf.name: np.ones(leaf.shape, np.float32) for leaf in leaves_of(spec)}
    write_weights(tmp_path / "best.safetensors", spec, state, producer={"backend": "torch"}, head="ArcFace")
    return tmp_path / "best.safetensors"


CARD = ModelCard(
    name="small",
    backbone="MobileFaceNet",
    embedding_size=128,
    preprocess={"color": "BGR", "size": [112, 112], "mean": [127.5] * 3, "std": [128.0] * 3, "template": "arcface112"},
    parameters=1_200_512,
    head="ArcFace (margin 0.5, scale 64)",
    training={"steps": 1000, "seed": 7, "command": "facezoo train --backbone MobileFaceNet"},
    data=(CardData("celeba", 10177, 202599, "Non-commercial research only."),),
    licence="CC-BY-NC-4.0",
    figures=(
        CardFigure("LFW, ten folds", "accuracy", 0.912, 0.903, 0.920, command="facezoo evaluate --protocol lfw"),
        CardFigure("RFW", "accuracy", 0.80, group="African"),
        CardFigure("RFW", "accuracy", 0.88, group="Caucasian"),
    ),
)


def test_card_states_the_facts():
    text = CARD.to_markdown()
    for words in (
        "# small",
        "BGR 112x112, (pixel - 127.5) / 128, template arcface112",
        "| celeba | 10,177 | 202,599 | Non-commercial research only.",
        "91.20 % | 90.30 to 92.00 % (95 %)",
        "does worse on African (80.00 %) than on Caucasian (88.00 %)",
        "CC-BY-NC-4.0",
        "facezoo train --backbone MobileFaceNet",
        "## Limits of use",
    ):
        assert words in text


def test_card_round_trip():
    assert ModelCard.from_json(CARD.to_json()) == CARD


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1, "colour": 2}', '{"data": [{"x": 1}]}'])
def test_other_json_is_not_a_card(text):
    with pytest.raises(CheckpointError, match="not a model card"):
        ModelCard.from_json(text)


def test_card_without_facts():
    text = ModelCard("x", "IR50", 512, {}).to_markdown()
    assert "Unknown." in text
    assert "None measured." in text


def test_card_beside_the_weights(file):
    markdown, page = write_card(CARD, file)
    assert hashlib.sha256(file.read_bytes()).hexdigest() in markdown.read_text(encoding="utf-8")
    assert json.loads(page.read_text(encoding="utf-8"))["size"] == file.stat().st_size
    assert read_card(file).figures == CARD.figures
    with pytest.raises(CheckpointError, match="no weight file"):
        write_card(CARD, file.with_name("none.safetensors"))


def test_published_folder_is_served_and_used(file, tmp_path, server, monkeypatch):
    write_card(CARD, file)
    file.with_suffix(".calibration.json").write_text("{}")
    out = tmp_path / "served"
    urls = [f"http://127.0.0.1:{server.server_port}/{mirror}" for mirror in ("one", "two")]
    entry = publish(file, out, name="small", urls=urls)
    assert sorted(p.name for p in out.iterdir()) == [
        "SHA256SUMS",
        "small.calibration.json",
        "small.card.json",
        "small.card.md",
        "small.safetensors",
        "small.yaml",
    ]
    assert (entry.layout, entry.licence.weights) == ("facezoo", "CC-BY-NC-4.0")
    assert entry.title == "MobileFaceNet trained by facezoo"
    assert entry.measured[0].low == pytest.approx(90.3)
    for line in (out / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    data = (out / "small.safetensors").read_bytes()
    server.url("/one/small.safetensors", serve(data, upto=50, then=reset), reset)
    server.url("/two/small.safetensors", serve(data))
    for name in ("small.card.json", "small.calibration.json"):
        server.url(f"/one/{name}", serve((out / name).read_bytes()))
    monkeypatch.setenv("FACEZOO_WEIGHTS_INDEX", str(out))
    assert weights.fetch("small", options=QUICK).read_bytes() == data
    assert [(verdict.against, verdict.fault) for verdict in verify("small")] == [("index", None)] * 3
    assert (weights.folder_of("small") / "small.calibration.json").is_file()
    assert verify(str(out / "small.safetensors"))[0].facts["backbone"] == "MobileFaceNet"


def test_publish_without_a_card_uses_the_facts_of_the_file(file, tmp_path, capsys):
    words = ["weights", "publish", str(tmp_path / "Out"), "--weights", str(file), "--licence", "MIT", "--json"]
    assert main(words) == 0
    entry = json.loads(capsys.readouterr().out)
    assert (entry["name"], entry["head"], entry["licence"]["weights"]) == ("out", "ArcFace", "MIT")
    assert "no address" not in (tmp_path / "Out" / "out.card.md").read_text(encoding="utf-8")
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err


def test_an_imported_model_says_so(tmp_path):
    spec = catalog.backbone_spec("MobileFaceNet", embedding_size=128)
    producer = {"imported_from": "theirs.pth", "layout": "evolve_mobilefacenet"}
    source = tmp_path / "w.safetensors"
    write_weights(source, spec, {"a": np.ones(2, np.float32)}, producer=producer)
    entry = publish(source, tmp_path / "out", name="theirs")
    assert entry.title == "MobileFaceNet imported from theirs.pth (layout evolve_mobilefacenet)"
    assert (entry.licence.code, entry.licence.weights) == ("unknown", "unknown")
    assert "facezoo did not train it" in entry.notes
    assert "theirs.pth (layout evolve_mobilefacenet)" in (tmp_path / "out" / "theirs.card.md").read_text("utf-8")
    write_weights(source, spec, {"a": np.ones(2, np.float32)}, producer={"imported_by": "x"}, source={"name": "theirs"})
    assert publish(source, tmp_path / "third", name="x").title == "MobileFaceNet imported from theirs of the index"
    write_weights(source, spec, {"a": np.ones(2, np.float32)}, producer=producer)
    write_card(CARD, source)  # a card that does not state it
    assert "theirs.pth" in publish(source, tmp_path / "again", name="theirs").title


@pytest.mark.parametrize("name", ["../../evil", "/evil", "a/b", "MyModel", "", "..", "x\n"])
def test_publish_refuses_a_name_that_the_index_does_not_take(file, tmp_path, name, capsys):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError, match="expected lower-case letters"):
        publish(file, tmp_path / "in" / "out", name=name)
    words = ["weights", "publish", str(tmp_path / "in" / "out"), "--weights", str(file), "--name", name or "A B"]
    assert main(words) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_the_nearest_valid_name_is_given(file, tmp_path):
    with pytest.raises(ConfigError, match=r"'MyModel'; .* such as 'mymodel'"):
        publish(file, tmp_path / "out", name="MyModel")


def test_publish_refuses_a_url_that_the_index_does_not_take(file, tmp_path):
    with pytest.raises(ConfigError, match="urls"):
        publish(file, tmp_path / "out", name="x", urls=["file:///evil"])
    assert not (tmp_path / "out").exists()


def change_tensors(state, change):
    if change == "missing":
        state.popitem()
    elif change == "left over":
        state["more.weight"] = np.ones(2, np.float32)
    else:
        name = next(iter(state))
        state[name] = state[name].ravel()
    return state


@pytest.mark.parametrize("change", ["missing", "left over", "shape"])
def test_verify_finds_tensors_that_do_not_fit(tmp_path, change, capsys):
    spec = catalog.backbone_spec("MobileFaceNet", embedding_size=128)
    state = change_tensors({leaf.name: np.ones(leaf.shape, np.float32) for leaf in leaves_of(spec)}, change)
    write_weights(tmp_path / "w.safetensors", spec, state, producer={})
    assert main(["weights", "verify", str(tmp_path / "w.safetensors")]) == 2
    assert "do not fit MobileFaceNet: " in capsys.readouterr().out
    assert change in (verify(str(tmp_path / "w.safetensors"))[0].fault or "")


def test_publish_refuses_invalid_files(file, tmp_path):
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(CheckpointError):
        publish(file, tmp_path / "out", name="x")
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError, match="exists already"):
        publish_twice(tmp_path)


def publish_twice(tmp_path):
    spec = catalog.backbone_spec("MobileFaceNet")
    write_weights(tmp_path / "w.safetensors", spec, {"a": np.ones(2, np.float32)}, producer={})
    publish(tmp_path / "w.safetensors", tmp_path / "twice", name="x")
    publish(tmp_path / "w.safetensors", tmp_path / "twice", name="x")


def test_verify_a_file_by_its_sums_and_its_content(file, tmp_path, capsys):
    assert verify(str(file))[0].against == "nothing"
    note = file.with_name(f"{file.name}.sha256")
    note.write_text(f"{'0' * 64}  {file.name}\n")
    assert "lists 0000" in verify(str(file))[0].fault
    note.unlink()
    spec = catalog.backbone_spec("MobileFaceNet")
    with pytest.raises(CheckpointError):
        write_weights(tmp_path / "nan.safetensors", spec, {"a": np.array([np.nan], np.float32)}, producer={})
    assert main(["weights", "verify", str(file)]) == 0
    assert "backbone MobileFaceNet" in capsys.readouterr().out
    file.write_bytes(b"\xff" * 100)
    assert main(["weights", "verify", str(file)]) == 2


def test_real_file_of_an_index(tmp_path, monkeypatch):
    root = os.environ.get("FACEZOO_TEST_DATA")
    if not root:
        pytest.skip("FACEZOO_TEST_DATA is not set")
    source = Path(root) / "weights" / "mobilenet_v1_vggface2_hse.safetensors"
    file = {"name": source.name, "holds": "x", "page": "https://example.org", "sha256": file_hash(source)}
    entry = yaml.safe_load(dump_entry(weights.get("hse-mobilenet-vggface2")))
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**entry, "name": "mine", "files": [file]}))
    monkeypatch.setenv("FACEZOO_WEIGHTS_INDEX", str(tmp_path))
    folder = weights.folder_of("mine")
    folder.mkdir(parents=True)
    (folder / source.name).write_bytes(source.read_bytes())
    assert weights.fetch("mine") == folder / source.name
    assert verify("mine")[0].fault is None


def test_thresholds_of_a_weight_file_are_published(tmp_path):
    point = {"fmr": 0.001, "threshold": 0.5, "pairs": "mine", "aligner": "mtcnn", "flip": "sum", "source": "a command"}
    spec = catalog.backbone_spec("MobileFaceNet", embedding_size=64)
    state = {leaf.name: np.ones(leaf.shape, np.float32) for leaf in leaves_of(spec)}
    for number, points in enumerate(([point], [{**point, "threshold": 7}])):
        write_weights(tmp_path / f"{number}.safetensors", spec, state, producer={}, thresholds=points)
    entry = publish(tmp_path / "0.safetensors", tmp_path / "out", name="mine", urls=["https://example.org"])
    assert entry.thresholds[0].threshold == 0.5
    with pytest.raises(ConfigError, match=r"thresholds\.0\.threshold is '7'"):
        publish(tmp_path / "1.safetensors", tmp_path / "none", name="mine", urls=["https://example.org"])
