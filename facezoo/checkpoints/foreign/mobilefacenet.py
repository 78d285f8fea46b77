"""MobileFaceNet of face.evoLVe and FaceX-Zoo."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes
from facezoo.specs.mobilefacenet import MobileFaceNetSpec

PARTS = {"expand": "conv", "depthwise": "conv_dw", "project": "project"}


class EvolveMobileFaceNet(Layout):
    """``conv_23, conv_3.model.i, conv_34, ...``; keys of the two projects are identical."""

    family = "mobilefacenet"
    projects = ("evolve", "facex")

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``conv_23.conv.conv``."""
        if "conv_23.conv.conv.weight" not in shapes or "linear.weight" not in shapes:
            return None
        return Found("MobileFaceNet", {"embedding_size": shapes["linear.weight"][0]})

    def layers(self, spec: MobileFaceNetSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from self._unit("stem", "conv1")
        yield from self._unit("second.0", "conv2_dw")
        strided, residual = ("conv_23", "conv_34", "conv_45"), ("conv_3", "conv_4", "conv_5")
        for stage, count in enumerate(spec.blocks[1:]):
            names = [strided[stage], *(f"{residual[stage]}.model.{i}" for i in range(count))]
            for block, theirs in enumerate(names):
                for ours, part in PARTS.items():
                    yield from self._unit(f"stages.{stage}.{block}.{ours}", f"{theirs}.{part}")
        yield from self._unit("last", "conv_6_sep")
        yield from (("neck.conv", "conv_6_dw.conv"), ("neck.bn", "conv_6_dw.bn"))
        yield from (("neck.linear", "linear"), ("neck.bn_out", "bn"))

    @staticmethod
    def _unit(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
        for layer in ("conv", "bn", "prelu"):
            yield f"{ours}.{layer}", f"{theirs}.{layer}"
