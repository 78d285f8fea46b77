"""Swin transformers of FaceX-Zoo; the trunk has the names of the official code."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes, counted
from facezoo.specs.swin import SwinSpec
from facezoo.zoo import catalog

BLOCK = {
    "norm1": "norm1", "attention.qkv": "attn.qkv", "attention.project": "attn.proj", "norm2": "norm2",
    "attention.bias_table": "attn.relative_position_bias_table", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
}  # fmt: skip


class SwinLayout(Layout):
    """``patch_embed, layers.S.blocks.B.*, layers.S.downsample, output_layer``; the file also holds constant tables."""

    family = "swin"
    projects = ("facex",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``relative_position_bias_table`` and the face neck; the depths give the network.

        Patches of 2 imply images of 112, since the neck takes a 7x7 map after the last stage for every patch size.
        """
        if "layers.0.blocks.0.attn.relative_position_bias_table" not in shapes or "output_layer.2.weight" not in shapes:
            return None
        depths = tuple(counted(shapes, rf"layers\.{stage}\.blocks\.(\d+)\.") for stage in range(4))
        for name, spec in catalog.BACKBONES.items():
            if isinstance(spec, SwinSpec) and spec.depths == depths:
                variant = {"embedding_size": shapes["output_layer.2.weight"][0]}
                if shapes.get("patch_embed.proj.weight", ())[2:] == (2, 2):
                    variant |= {"patch_size": 2, "input_size": 2 * spec.maps()[0][0]}
                return Found(name, variant)
        return None

    def layers(self, spec: SwinSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from (("patches.conv", "patch_embed.proj"), ("patches.norm", "patch_embed.norm"))
        for stage, block, ours, theirs in self._blocks(spec):
            if stage and not block:
                merge, down = f"stages.{stage}.0", f"layers.{stage - 1}.downsample"
                yield from ((f"{merge}.norm", f"{down}.norm"), (f"{merge}.reduction", f"{down}.reduction"))
            yield from ((f"{ours}.{layer}", f"{theirs}.{place}") for layer, place in BLOCK.items())
        yield from (("neck.norm", "output_layer.0"), ("neck.linear", "output_layer.2"))
        yield "neck.bn_out", "output_layer.3"

    def unused(self, spec: SwinSpec, shapes: Shapes) -> dict[str, tuple[int, ...]]:  # type: ignore[override]
        """Tables that follow from the sizes; they are computed, not read."""
        table: dict[str, tuple[int, ...]] = {}
        tokens, sizes = spec.window**2, spec.maps()
        for stage, block, _, theirs in self._blocks(spec):
            table[f"{theirs}.attn.relative_position_index"] = (tokens, tokens)
            if block % 2 and min(sizes[stage]) > spec.window:
                table[f"{theirs}.attn_mask"] = (sizes[stage][0] * sizes[stage][1] // tokens, tokens, tokens)
        return table

    @staticmethod
    def _blocks(spec: SwinSpec) -> Iterator[tuple[int, int, str, str]]:
        for stage, depth in enumerate(spec.depths):
            for block in range(depth):
                place = block + (stage > 0)  # ours keeps the merging as the first of a stage
                yield stage, block, f"stages.{stage}.{place}", f"layers.{stage}.blocks.{block}"
