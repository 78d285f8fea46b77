"""EfficientNet-B0 of FaceX-Zoo and face.evoLVe, with a classifier that is not used."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes
from facezoo.checkpoints.foreign.ghostnet import NECK
from facezoo.specs.efficientnet import EfficientNetSpec

PARTS = {
    "expand.conv": "_expand_conv", "expand.bn": "_bn0", "depthwise.conv": "_depthwise_conv", "depthwise.bn": "_bn1",
    "se.fc1": "_se_reduce", "se.fc2": "_se_expand", "project.conv": "_project_conv", "project.bn": "_bn2",
}  # fmt: skip


class EfficientNetLayout(Layout):
    """``_conv_stem, _bn0, _blocks.N.*, _conv_head, _bn1, _fc, output_layer``.

    The paddings are computed for a stem of stride 2, although the stem has stride 1. The trunk's norms
    have an eps of 1e-3, the neck's 1e-5.
    """

    family = "efficientnet"
    projects = ("facex", "evolve")

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``_conv_stem`` and the face neck; B0 by the width of its stem and of its head."""
        if not {"_conv_stem.weight", "_conv_head.weight", "output_layer.3.weight"} <= set(shapes):
            return None
        if shapes["_conv_stem.weight"][0] != 32 or shapes["_conv_head.weight"][0] != 1280:
            return None
        size = shapes["output_layer.3.weight"][0]
        return Found("EfficientNetB0", {"neck": "E", "padding": "static", "neck_eps": 1e-5, "embedding_size": size})

    def layers(self, spec: EfficientNetSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from (("stem.conv", "_conv_stem"), ("stem.bn", "_bn0"), ("last.conv", "_conv_head"), ("last.bn", "_bn1"))
        for number in range(len(spec.blocks())):
            yield from ((f"blocks.{number}.{ours}", f"_blocks.{number}.{part}") for ours, part in PARTS.items())
        yield from NECK

    def unused(self, spec: EfficientNetSpec, shapes: Shapes) -> dict[str, tuple[int, ...]]:  # type: ignore[override]
        """The classifier of ImageNet."""
        return {"_fc.weight": (1000, 1280), "_fc.bias": (1000,)}
