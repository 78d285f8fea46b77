"""GhostNet of face.evoLVe and FaceX-Zoo."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes
from facezoo.specs.ghostnet import GhostNetSpec

STAGES = (1, 1, 1, 1, 1, 1, 5, 1, 4)  # bottlenecks in each group of the published list
NECK = (("neck.bn", "output_layer.0"), ("neck.linear", "output_layer.3"), ("neck.bn_out", "output_layer.4"))


class GhostNetLayout(Layout):
    """``conv_stem, bn1, blocks.S.B.{ghost1,ghost2,conv_dw,se,shortcut}, blocks.9.0, output_layer``."""

    family = "ghostnet"
    projects = ("facex", "evolve")

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ghost modules and the face neck."""
        ghost = "blocks.0.0.ghost1.primary_conv.0.weight" in shapes
        if not ghost or not {"output_layer.3.weight", "conv_stem.weight"} <= set(shapes):
            return None
        return Found("GhostNet", {"neck": "E", "embedding_size": shapes["output_layer.3.weight"][0]})

    def layers(self, spec: GhostNetSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from (("stem.conv", "conv_stem"), ("stem.bn", "bn1"))
        names = [f"blocks.{stage}.{block}" for stage, count in enumerate(STAGES) for block in range(count)]
        for number, theirs in enumerate(names):
            ours = f"blocks.{number}"
            for ghost in ("ghost1", "ghost2"):
                for part, place in (("primary", "primary_conv"), ("cheap", "cheap_operation")):
                    yield f"{ours}.{ghost}.{part}.conv", f"{theirs}.{ghost}.{place}.0"
                    yield f"{ours}.{ghost}.{part}.bn", f"{theirs}.{ghost}.{place}.1"
            yield from ((f"{ours}.depthwise.conv", f"{theirs}.conv_dw"), (f"{ours}.depthwise.bn", f"{theirs}.bn_dw"))
            yield from ((f"{ours}.se.fc1", f"{theirs}.se.conv_reduce"), (f"{ours}.se.fc2", f"{theirs}.se.conv_expand"))
            for start, part in enumerate(("depthwise", "pointwise")):
                yield f"{ours}.shortcut.{part}.conv", f"{theirs}.shortcut.{2 * start}"
                yield f"{ours}.shortcut.{part}.bn", f"{theirs}.shortcut.{2 * start + 1}"
        yield from (("last.conv", "blocks.9.0.conv"), ("last.bn", "blocks.9.0.bn1"), *NECK)
