"""RepVGG of FaceX-Zoo, in its training and its deploy form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes, counted
from facezoo.specs.repvgg import RepVGGSpec
from facezoo.zoo import catalog

NECK = (("neck.bn", "output_layer.0"), ("neck.linear", "output_layer.2"), ("neck.bn_out", "output_layer.3"))


class RepVGGLayout(Layout):
    """``stage0``, ``stageS.B``: ``rbr_dense, rbr_1x1, rbr_identity`` or ``rbr_reparam``; ``output_layer``."""

    family = "repvgg"
    projects = ("facex",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``stage0.rbr_*`` and the face neck; units and widths give the network."""
        deploy = "stage0.rbr_reparam.weight" in shapes
        inner = "rbr_reparam" if deploy else "rbr_dense.conv"
        if f"stage0.{inner}.weight" not in shapes or "output_layer.2.weight" not in shapes:
            return None
        units = tuple(counted(shapes, rf"stage{stage}\.(\d+)\.") for stage in (1, 2, 3, 4))
        firsts = [f"stage0.{inner}.weight", *(f"stage{stage}.0.{inner}.weight" for stage in (1, 2, 3, 4))]
        widths = tuple(shapes.get(key, (0,))[0] for key in firsts)
        variant: dict[str, Any] = {"embedding_size": shapes["output_layer.2.weight"][0], "deploy": deploy}
        for name, spec in catalog.BACKBONES.items():
            if isinstance(spec, RepVGGSpec) and (spec.units, spec.widths) == (units, widths):
                return Found(name, variant)
        return None

    def layers(self, spec: RepVGGSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        blocks = [("stem", "stage0")]
        for stage, units in enumerate(spec.units):
            blocks += [(f"stages.{stage}.{block}", f"stage{stage + 1}.{block}") for block in range(units)]
        for ours, theirs in blocks:
            for part, branch in (("dense", "rbr_dense"), ("point", "rbr_1x1")):
                yield from ((f"{ours}.{part}.{layer}", f"{theirs}.{branch}.{layer}") for layer in ("conv", "bn"))
            yield from ((f"{ours}.identity", f"{theirs}.rbr_identity"), (f"{ours}.conv", f"{theirs}.rbr_reparam"))
        yield from NECK
