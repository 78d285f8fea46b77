"""TF-NAS-A of FaceX-Zoo."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes
from facezoo.specs.tfnas import TFNASSpec

PARTS = {"expand": "inverted_bottleneck", "depthwise": "depth_conv", "project": "point_linear"}


class TFNASLayout(Layout):
    """``first_stem, second_stem, stageS.B.*, feature_mix_layer, output_layer``."""

    family = "tfnas"
    projects = ("facex",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``feature_mix_layer`` and the face neck; A by the first expanded width."""
        if not {"first_stem.conv.weight", "feature_mix_layer.conv.weight", "output_layer.2.weight"} <= set(shapes):
            return None
        if shapes.get("stage1.0.inverted_bottleneck.conv.weight", (0,))[0] != 83:
            return None
        return Found("TFNASA", {"embedding_size": shapes["output_layer.2.weight"][0]})

    def layers(self, spec: TFNASSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        for ours, theirs in (("stem", "first_stem"), ("last", "feature_mix_layer")):
            yield from ((f"{ours}.{layer}", f"{theirs}.{layer}") for layer in ("conv", "bn"))
        for stage, rows in enumerate(spec.stages):
            for block in range(len(rows)):
                ours = f"stages.{stage}.{block}"
                theirs = f"stage{stage}.{block}" if stage else "second_stem"
                for part, place in PARTS.items():
                    yield from ((f"{ours}.{part}.{layer}", f"{theirs}.{place}.{layer}") for layer in ("conv", "bn"))
                yield f"{ours}.se.fc1", f"{theirs}.squeeze_excite.conv_reduce"
                yield f"{ours}.se.fc2", f"{theirs}.squeeze_excite.conv_expand"
        yield from (("neck.linear", "output_layer.2"), ("neck.bn_out", "output_layer.3"))
