"""Vision transformers of arcface_torch and CVLface, and of PLSC (FaceViT) with Paddle's tensor names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes, counted, style_of
from facezoo.specs.vit import ViTSpec
from facezoo.zoo import catalog

BLOCK = {
    "norm1": "norm1", "attention.qkv": "attn.qkv", "attention.project": "attn.proj", "norm2": "norm2",
    "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
}  # fmt: skip


class ViTLayout(Layout):
    """``pos_embed, [mask_token,] patch_embed.proj, blocks.N.*, norm, feature.{0,1,2,3}``."""

    family = "vit"
    projects = ("arcface_torch", "cvlface", "plsc")

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``patch_embed.proj`` and ``feature.0``.

        The number of heads is that of the published networks, since no shape depends on it.
        """
        patches, hidden = shapes.get("patch_embed.proj.weight", ()), shapes.get("blocks.0.mlp.fc1.weight", ())
        if len(patches) != 4 or len(hidden) != 2 or "feature.2.weight" not in shapes:
            return None
        style = style_of(shapes)
        out = -1 if style == "paddle" else 0  # the side of a linear weight that counts its outputs
        width, depth = patches[0], counted(shapes, r"blocks\.(\d+)\.")
        for name, spec in catalog.BACKBONES.items():
            if isinstance(spec, ViTSpec) and (spec.width, spec.depth) == (width, depth):
                ratio = hidden[out] / width
                variant: dict[str, Any] = {"patch_size": patches[2], "embedding_size": shapes["feature.2.weight"][out]}
                variant |= {"mlp_ratio": int(ratio) if ratio == int(ratio) else ratio}
                variant |= {"mask_token": "mask_token" in shapes}
                return Found(name, variant | ({"heads": 16} if (patches[2], depth) == (8, 24) else {}), style)
        return None

    def layers(self, spec: ViTSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from (("position", "pos_embed"), ("mask_token", "mask_token"), ("patches", "patch_embed.proj"))
        for number in range(spec.depth):
            yield from ((f"blocks.{number}.{ours}", f"blocks.{number}.{part}") for ours, part in BLOCK.items())
        yield "norm", "norm"
        for place, layer in enumerate(("linear1", "bn", "linear2", "bn_out")):
            yield f"neck.{layer}", f"feature.{place}"
