"""IResNet of arcface_torch, of MagFace with another eps, and of PLSC with Paddle's tensor names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes, counted, named_by, style_of
from facezoo.specs.ir import IRSpec

BRANCH = ("bn1", "conv1", "bn2", "prelu", "conv2", "bn3")


class ArcfaceIResNet(Layout):
    """``layerK.i.{bn1,conv1,bn2,prelu,conv2,bn3}``, a projection in every ``layerK.0``; ``bn2, fc, features``."""

    family = "iresnet"
    projects = ("arcface_torch", "plsc", "magface")

    def of_project(self, found: Found, project: str) -> Found:
        """MagFace's norms have eps 2e-5 (models/iresnet.py, revision 99bae61)."""
        return replace(found, variant={**found.variant, "bn_eps": 2e-5}) if project == "magface" else found

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``layer1.0.prelu`` and ``layer1.0.bn3``."""
        if "layer1.0.bn3.weight" not in shapes or not any(key.startswith("layer1.0.prelu.") for key in shapes):
            return None
        units = tuple(counted(shapes, rf"layer{stage}\.(\d+)\.") for stage in (1, 2, 3, 4))
        name = named_by(units, "IResNet") or named_by(units, "ResNet")
        if name is None or "features.weight" not in shapes:
            return None
        return Found(name, {"embedding_size": shapes["features.weight"][0]}, style_of(shapes))

    def layers(self, spec: IRSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from (("stem.conv", "conv1"), ("stem.bn", "bn1"), ("stem.prelu", "prelu"))
        for stage, units in enumerate(spec.units):
            for block in range(units):
                ours, theirs = f"stages.{stage}.{block}", f"layer{stage + 1}.{block}"
                yield from ((f"{ours}.{layer}", f"{theirs}.{layer}") for layer in BRANCH)
                yield f"{ours}.shortcut.conv", f"{theirs}.downsample.0"
                yield f"{ours}.shortcut.bn", f"{theirs}.downsample.1"
        yield from (("neck.bn", "bn2"), ("neck.linear", "fc"), ("neck.bn_out", "features"))
