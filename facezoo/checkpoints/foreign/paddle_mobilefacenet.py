"""MobileFaceNet_128 of arcface_paddle."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes
from facezoo.specs.mobilefacenet import MobileFaceNetSpec

PLACES = (
    "expand.conv", "expand.bn", "expand.prelu", "depthwise.conv", "depthwise.bn", "depthwise.prelu",
    "project.conv", "project.bn",
)  # fmt: skip


class PaddleMobileFaceNet(Layout):
    """``conv1, dw_conv1, blocks.N.conv.0..7, conv2, linear7, linear1``; the last layer is a 1x1 convolution."""

    family = "mobilefacenet"
    projects = ("arcface_paddle",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``dw_conv1`` and ``linear7``."""
        if not {"dw_conv1.conv.weight", "linear7.conv.weight", "linear1.conv.weight"} <= set(shapes):
            return None
        return Found("MobileFaceNet", {"embedding_size": shapes["linear1.conv.weight"][0]}, "paddle")

    def layers(self, spec: MobileFaceNetSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        for ours, theirs in (("stem", "conv1"), ("second.0", "dw_conv1"), ("last", "conv2")):
            yield from ((f"{ours}.{layer}", f"{theirs}.{layer}") for layer in ("conv", "bn", "prelu"))
        number = 0
        for stage, count in enumerate(spec.blocks[1:]):
            for block in range(count + 1):
                for place, layer in enumerate(PLACES):
                    yield f"stages.{stage}.{block}.{layer}", f"blocks.{number}.conv.{place}"
                number += 1
        yield from (("neck.conv", "linear7.conv"), ("neck.bn", "linear7.bn"))
        yield from (("neck.linear", "linear1.conv"), ("neck.bn_out", "linear1.bn"))
