"""The index of weights: every entry is valid by the model and by the JSON schema in the repository."""

import json
import os
from importlib import resources
from pathlib import Path

import pytest
import yaml

from facezoo.checkpoints.foreign.projects import PROJECTS
from facezoo.checkpoints.foreign.table import find_layout
from facezoo.checkpoints.graphs.network import NETWORKS
from facezoo.datasets import list_datasets
from facezoo.errors import CheckpointError, UnknownNameError
from facezoo.specs.preprocess import Preprocess
from facezoo.weights import get, list_weights, load_index
from facezoo.weights.index import dump_entry, parse_entry
from facezoo.weights.schema import ELSEWHERE, WeightsEntry
from facezoo.zoo import catalog

FOLDER = Path(str(resources.files("facezoo.weights_index").joinpath("schema.json"))).parent
ENTRIES = load_index()


def schema_text():
    return json.dumps(WeightsEntry.model_json_schema(), indent=1, sort_keys=True) + "\n"


def test_the_json_schema_is_the_models(request):
    path = FOLDER / "schema.json"
    if os.environ.get("FACEZOO_ACCEPT"):
        path.write_text(schema_text(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == schema_text(), "regenerate it: FACEZOO_ACCEPT=1 pytest this test"


@pytest.mark.parametrize("name", ENTRIES)
def test_entry(name):
    jsonschema = pytest.importorskip("jsonschema")
    entry = ENTRIES[name]
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    jsonschema.validate(yaml.safe_load(text), json.loads((FOLDER / "schema.json").read_text(encoding="utf-8")))
    assert parse_entry(dump_entry(entry), name) == entry
    if entry.loads:
        spec = catalog.backbone_spec(entry.backbone, **entry.variant)
        preprocess = Preprocess.from_dict(entry.preprocess)
        assert spec.in_channels == preprocess.channels
        project = "arcface_torch" if entry.layout in NETWORKS else find_layout(entry.layout)[1]
        assert preprocess == (spec.preprocess if project == "hse" else PROJECTS[project].preprocess(spec.input_size)), (
            "the project of the layout uses another preprocessing"
        )
    else:
        assert entry.layout in ELSEWHERE
        assert entry.notes, "state why the zoo does not read it"
    for file in entry.files:
        assert file.urls or file.page != "unknown", "neither a URL nor a page"
        assert file.hash_from or file.sha256 == "unknown", "the source of a hash must be stated"
        if file.member:
            assert file.name.endswith((".zip", ".tar"))
    for data in entry.training_data:
        assert data == "unknown" or data in list_datasets() or " " in data


def test_known_publishers_are_listed():
    names = " ".join(ENTRIES)
    for word in ("insightface", "facenet-pytorch", "opencv", "adaface", "cvlface", "plsc", "arcface-paddle", "hse"):
        assert word in names
    for word in ("evolve-ir152-ms1m", "evolve-ir50-asia", "plsc-mobilefacenet", "facexzoo-swint", "magface-iresnet100"):
        assert word in names
    for word in ("arcface-torch-r100-glint360k", "arcface-torch-vit-b", "lightcnn-9", "lightcnn-29v2", "lightcnn-v4"):
        assert word in names


# layout and figures as typed from the publishers' pages; of FaceX-Zoo LFW to MegaFace, of the others IJB-C
PUBLISHED = {
    "plsc-facevit-base-webface42m": ("plsc_vit", [97.97, 97.04]),
    "plsc-facevit-tiny-webface42m": ("plsc_vit", [97.24, 95.79]),
    "plsc-facevit-tiny-webface42m-pfc02": ("plsc_vit", [97.28, 95.79]),
    "plsc-mobilefacenet-webface42m": ("plsc_mobilefacenet", [95.22, 92.48]),
    "evolve-ir152-ms1m": ("evolve_ir", [99.82, 99.83, 98.37, 98.07, 96.03, 93.05, 95.50]),
    "evolve-ir50-asia": ("evolve_ir", []),
    "facexzoo-irse152-msceleb": ("facex_ir", [99.85, 89.72, 95.56, 98.13, 97.48]),
    "facexzoo-swins-msceleb": ("facex_swin", [99.85, 90.03, 95.92, 98.05, 98.17]),
    "facexzoo-mobilefacenet-adacos-msceleb": ("facex_mobilefacenet", [99.65, 83.27, 92.63, 95.38, 82.95]),
    "arcface-torch-r100-glint360k": ("arcface_torch_iresnet", [89.52, 97.55, 96.38]),
    "arcface-torch-mbf-ms1mv2": ("arcface_torch_mobilefacenet", [62.07, 93.61, 90.28]),
    "magface-iresnet100-ms1mv2": ("magface_iresnet", []),
    "lightcnn-29v2": ("lightcnn_29v2", [99.43, 99.53, 99.30, 96.77]),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_entries_are_as_published(name):
    layout, figures = PUBLISHED[name]
    assert ENTRIES[name].layout == layout
    assert [figure.value for figure in ENTRIES[name].published] == figures


def test_the_packs_of_insightface_load():
    layouts = {name: entry.layout for name, entry in ENTRIES.items() if name.startswith("insightface")}
    assert len(layouts) == 5
    assert all(layout in NETWORKS for layout in layouts.values())
    assert not ENTRIES["opencv-sface"].loads


def test_recipes_that_entries_name_exist():
    named = {entry.recipe for entry in ENTRIES.values() if entry.recipe}
    assert {"insightface_ms1mv3_mbf", "insightface_glint360k_r100"} <= named
    folder = Path(str(resources.files("facezoo.zoo_configs").joinpath("x"))).parent
    assert all((folder / f"{recipe}.yaml").is_file() for recipe in named)


def test_stated_parameters_are_those_of_the_network():
    for name, entry in ENTRIES.items():
        known = name.startswith(("facexzoo", "arcface-torch", "evolve", "plsc")) and not entry.variant
        known = known and "Attention" not in entry.backbone  # their files hold convolutions that nothing reads
        if known and entry.parameters != "unknown":
            assert entry.parameters == catalog.backbone_spec(entry.backbone).parameters, name


def test_what_is_unverified_is_said():
    for name, entry in ENTRIES.items():
        if name.startswith("cvlface") and entry.loads:
            assert "color_space, revision d3d09c9" in entry.notes
            assert "was not read here" in entry.notes
            assert [file.name for file in entry.files if file.optional] == ["model.yaml"]
    assert "models/faceres.json" in ENTRIES["hse-mobilenet-vggface2"].notes


def test_doubts_are_named():
    assert get("insightface-buffalo-l").doubts() == []
    assert len(get("plsc-iresnet50-ms1mv3").doubts()) == 2
    assert "licence of the weights" in get("cvlface-adaface-ir18-casia").doubts()[0]


def test_names():
    assert get("OpenCV-SFace").name == "opencv-sface"
    with pytest.raises(UnknownNameError, match="did you mean 'opencv-sface'"):
        get("opencv-sfase")


def entry_text(**changes):
    base = yaml.safe_load(dump_entry(get("hse-mobilenet-vggface2")))
    return yaml.safe_dump({**base, **changes})


BROKEN = {
    "an unknown key": ({"colour": "RGB"}, "colour"),
    "an unknown colour order": ({"preprocess": {"color": "GBR"}}, "preprocess.*GBR"),
    "a mean of two values": ({"preprocess": {"mean": [1.0, 2.0]}}, "2 values; RGB needs 3"),
    "no file": ({"files": []}, "files"),
    "a short hash": ({"files": [{"name": "a", "holds": "b", "sha256": "12"}]}, "sha256"),
    "a URL to this machine's disk": ({"files": [{"name": "a", "holds": "b", "urls": ["file:///a"]}]}, "urls"),
    "a name that is a path": ({"name": "../x"}, "name"),
    "figures without a source": ({"published": [{"benchmark": "LFW", "value": 1.0}]}, "source"),
}


@pytest.mark.parametrize("changes, words", BROKEN.values(), ids=BROKEN)
def test_schema_refuses(changes, words):
    parse_entry(entry_text(), "x.yaml")
    with pytest.raises(CheckpointError, match=words) as caught:
        parse_entry(entry_text(**changes), "x.yaml")
    assert "\n" not in str(caught.value)


def test_own_entries_come_first(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text(entry_text(name="mine"))
    (tmp_path / "ours.yaml").write_text(entry_text(name="opencv-sface", title="Another"))
    monkeypatch.setenv("FACEZOO_WEIGHTS_INDEX", str(tmp_path))
    assert "mine" in list_weights()
    assert get("opencv-sface").title == "Another"
    monkeypatch.setenv("FACEZOO_WEIGHTS_INDEX", str(tmp_path / "none"))
    with pytest.raises(CheckpointError, match="not a folder"):
        list_weights()
