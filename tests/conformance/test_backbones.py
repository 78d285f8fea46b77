"""Every backbone of the catalog passes the six checks, on both backends.

``FACEZOO_ACCEPT=1 pytest tests/conformance/test_backbones.py -k golden`` rewrites the golden inventory.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

import facezoo.backends
from facezoo import backends
from facezoo.canonical.state import parameter_count
from facezoo.parity.backbones import BACKENDS
from facezoo.parity.reduced import construction, reduced
from facezoo.testing import backbones
from facezoo.testing.mirror import check_mirror, outline
from facezoo.zoo import catalog

GOLDEN = Path(__file__).parents[1] / "golden" / "inventory" / "backbones.txt"
PUBLISHED = 74  # networks whose tensor names must not change
ACCEPT = os.environ.get("FACEZOO_ACCEPT") == "1"
FAMILIES = sorted({spec.family for spec in catalog.BACKBONES.values()})
LARGE = 2_500_000  # parameters of the reduced network; larger ones are compared in the full run only
ROOT = Path(facezoo.backends.__file__).parent


@functools.lru_cache(maxsize=1)
def outlines(name: str) -> dict:
    return {backend: backends.module(backend, "introspect").outline(catalog.BACKBONES[name]) for backend in BACKENDS}


@functools.cache
def golden() -> dict[str, str]:
    return backbones.read_golden(GOLDEN.read_text("utf-8"))


@pytest.mark.parametrize("family", FAMILIES)
def test_torch_and_paddle_files_mirror_each_other(family):
    check_mirror("backbones", family)


def test_shared_layers_mirror_each_other():
    torch, paddle = (outline(ROOT / backend / "layers.py") for backend in BACKENDS)
    public = [name for name in torch if not name.startswith("_") and "._" not in name.replace("__init__", "")]
    for name in public:  # the backends recompute activations differently
        assert torch[name] == paddle[name], name


def test_no_network_is_outside_the_catalog():
    for backend in BACKENDS:
        files = {path.stem for path in (ROOT / backend / "backbones").glob("*.py")} - {"__init__"}
        assert set(FAMILIES) <= files, f"{backend} lacks {set(FAMILIES) - files}"
    torch, paddle = ({p.stem for p in (ROOT / backend / "backbones").glob("*.py")} for backend in BACKENDS)
    assert torch == paddle


@pytest.mark.parametrize("name", catalog.BACKBONES)
def test_outline(name):
    """Inventory, settings and modes of the whole network, on tensors without values."""
    modules = outlines(name)
    spec = catalog.BACKBONES[name]
    backbones.check_inventory(spec, modules, None if ACCEPT else golden())
    backbones.check_settings(spec, modules)
    backbones.check_modes(spec, modules)


def test_golden_inventory_is_of_the_catalog():
    if ACCEPT:
        lines = ["# name, tensors, parameters, hash of the ordered names and shapes; FACEZOO_ACCEPT=1 rewrites it"]
        for name, spec in sorted(catalog.BACKBONES.items()):
            lines.append(f"{name} {backbones.fingerprint(backends.module('torch', 'introspect').outline(spec))}")
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text("\n".join(lines) + "\n", "utf-8")
    lines = backbones.read_golden(GOLDEN.read_text("utf-8"))
    assert set(lines) <= set(catalog.BACKBONES), "a published name is gone"
    assert len(lines) >= PUBLISHED, "a published network lost its row"


def constructions() -> list:
    """One name per construction; the smallest of a family in every run, the large ones in the full run."""
    found: dict[str, tuple[int, str, str]] = {}
    for name, spec in catalog.BACKBONES.items():
        key = construction(reduced(spec))
        if key not in found:
            size = parameter_count(backends.module("torch", "introspect").outline(reduced(spec)))
            found[key] = (size, spec.family, name)
    smallest = {}
    for _, family, name in sorted(found.values()):
        smallest.setdefault(family, name)
    return [
        pytest.param(name, marks=() if size <= LARGE or smallest[family] == name else pytest.mark.full)
        for size, family, name in found.values()
    ]


CONSTRUCTIONS = constructions()


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_initial_values(name):
    backbones.check_initial(catalog.BACKBONES[name])


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_numbers(name):
    backbones.check_numbers(catalog.BACKBONES[name])


OPTIONS = [
    ("ShuffleNetV1", {"groups": 8, "shuffle": "after", "stem": "imagenet"}),
    ("ShuffleNetV2", {"split": "equal", "width": 0.5, "neck": "GAP"}),
    ("EfficientNetB0", {"padding": "static", "neck": "E"}),
    ("EfficientNetB0", {"padding": "same", "stem": "imagenet"}),
    ("MobileNetV1", {"neck": "pool", "stem": "imagenet", "width": 0.25}),
    ("MobileNetV2", {"activation": "prelu", "width": 0.5}),
    ("LightCNN9", {"form": "official"}),
    ("ResNet50", {"stem": "face", "neck": "GDC"}),
    ("IR18", {"block": "published"}),
]


@pytest.mark.parametrize("name, options", OPTIONS, ids=lambda value: str(value))
def test_options(name, options):
    spec = catalog.backbone_spec(name, **options)
    modules = {backend: backends.module(backend, "introspect").outline(spec) for backend in BACKENDS}
    backbones.check_inventory(spec, modules)
    backbones.check_settings(spec, modules)
    backbones.check_numbers(spec)


@pytest.mark.full
@pytest.mark.parametrize("name", ["IR50", "ResNet50", "MobileFaceNet", "EfficientNetB0", "LightCNN29v2", "GhostNet"])
def test_numbers_in_own_size(name):
    backbones.check_numbers(catalog.BACKBONES[name], full=True)


def test_a_missing_paddle_file_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("facezoo.testing.mirror.backends.__file__", str(tmp_path / "__init__.py"))
    (tmp_path / "torch" / "backbones").mkdir(parents=True)
    (tmp_path / "torch" / "backbones" / "ir.py").write_text("")
    with pytest.raises(AssertionError, match="no paddle implementation"):
        check_mirror("backbones", "ir")


def test_a_wrong_eps_fails():
    spec = catalog.backbone_spec("MobileFaceNet")
    modules = {
        "torch": backends.module("torch", "introspect").outline(spec),
        "paddle": backends.module("paddle", "introspect").outline(spec.variant(bn_eps=1e-4)),
    }
    with pytest.raises(AssertionError, match="eps"):
        backbones.check_settings(spec, modules)


def test_check_backbone_runs_every_check():
    assert len(backbones.check_backbone("LightCNN9", golden=golden())) == 6
