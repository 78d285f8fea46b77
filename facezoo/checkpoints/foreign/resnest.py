"""ResNeSt-50 of FaceX-Zoo."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes, counted
from facezoo.checkpoints.foreign.ghostnet import NECK
from facezoo.specs.resnest import ResNeStSpec

PARTS = {
    "conv1.conv": "conv1", "conv1.bn": "bn1", "conv2.conv": "conv2.conv", "conv2.bn1": "conv2.bn0",
    "conv2.fc1": "conv2.fc1", "conv2.bn2": "conv2.bn1", "conv2.fc2": "conv2.fc2", "conv3.conv": "conv3",
    "conv3.bn": "bn3", "shortcut.conv": "downsample.1", "shortcut.bn": "downsample.2",
}  # fmt: skip


class ResNeStLayout(Layout):
    """``input_layer.{0,1,2}``, ``body.layerK.i.*``, ``output_layer.{0,3,4}``; the original normalises the embedding."""

    family = "resnest"
    projects = ("facex",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``body.layer1.0.conv2.fc1``."""
        if not {"body.layer1.0.conv2.fc1.weight", "output_layer.3.weight"} <= set(shapes):
            return None
        units = tuple(counted(shapes, rf"body\.layer{stage}\.(\d+)\.") for stage in (1, 2, 3, 4))
        if units != (3, 4, 6, 3):
            return None
        return Found("ResNeSt50", {"embedding_size": shapes["output_layer.3.weight"][0]})

    def layers(self, spec: ResNeStSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from (("stem.conv", "input_layer.0"), ("stem.bn", "input_layer.1"), ("stem.prelu", "input_layer.2"))
        for stage, units in enumerate(spec.units):
            for block in range(units):
                ours, theirs = f"stages.{stage}.{block}", f"body.layer{stage + 1}.{block}"
                yield from ((f"{ours}.{layer}", f"{theirs}.{place}") for layer, place in PARTS.items())
        yield from NECK
