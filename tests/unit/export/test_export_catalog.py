"""Every construction in the catalog is exported to ONNX, on small images."""

import pytest

from facezoo.export import export_model
from facezoo.parity.reduced import construction, reduced
from facezoo.zoo.catalog import BACKBONES
from facezoo.zoo.create import build_backbone


def distinct():
    """One name for each construction."""
    return list({construction(reduced(spec)): name for name, spec in reversed(BACKBONES.items())}.values())


def small(spec):
    """A shallow network on a small image; Swin's windows need the original size."""
    return spec if spec.family == "swin" else reduced(spec)


@pytest.mark.full
@pytest.mark.parametrize("name", distinct())
def test_onnx(name, tmp_path):
    module = build_backbone(small(BACKBONES[name]), backend="torch", seed=1).eval()
    report = export_model(module, tmp_path / name, to="onnx", with_preprocess=True)
    assert report.difference.relative < 1e-3


@pytest.mark.parametrize("name", ["LightCNN9", "ShuffleNetV1"])
def test_onnx_of_two(name, tmp_path):
    module = build_backbone(reduced(BACKBONES[name]), backend="torch", seed=1).eval()
    report = export_model(module, tmp_path / name, to="onnx", with_preprocess=True)
    assert report.difference.relative < 1e-4
