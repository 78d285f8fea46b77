"""The vision transformer of arcface_torch in a graph."""

from __future__ import annotations

import numpy as np

from facezoo.checkpoints.foreign.base import Found
from facezoo.checkpoints.graphs.steps import Step
from facezoo.checkpoints.graphs.walk import OtherNetworkError, Walk
from facezoo.specs.vit import ViTSpec
from facezoo.zoo import catalog

NORM_EPS = 1e-5  # of the layer norms


def recognise_vit(walk: Walk, steps: list[Step], size: tuple[int, int]) -> Found:
    """Patches, position table, blocks of attention and MLP, layer norm, two linear layers with norms.

    The file has no mask token, which only training reads.

    Raises:
        OtherNetworkError: where the steps differ.
    """
    at = walk.follow(steps)
    side = steps[0].settings["kernel"][0] if steps and steps[0].kind == "conv" else 0
    width = at.conv("patches", None, side, side, padding=0)
    at.take("reshape")
    at.take("transpose")
    walk.state["position"] = at.take("shift").values["value"]
    depth, heads, hidden = 0, set(), 0
    while at.next == "residual":
        name = f"blocks.{depth}"
        inside = walk.follow(max(at.take("residual").ways, key=len))
        inside.layer_norm(f"{name}.norm1", NORM_EPS)
        inside.linear(f"{name}.attention.qkv", bias=False)
        heads.add(inside.take("attention").settings["heads"])
        inside.linear(f"{name}.attention.project")
        inside.finish()
        inside = walk.follow(max(at.take("residual").ways, key=len))
        inside.layer_norm(f"{name}.norm2", NORM_EPS)
        hidden = inside.linear(f"{name}.mlp.fc1")
        inside.take("relu6")
        inside.linear(f"{name}.mlp.fc2")
        inside.finish()
        depth += 1
    at.layer_norm("norm", NORM_EPS)
    at.take("reshape")
    at.linear("neck.linear1", "neck.bn", bias=False)
    embedding_size = at.linear("neck.linear2", "neck.bn_out", bias=False)
    at.finish()
    specs = {name: spec for name, spec in catalog.BACKBONES.items() if isinstance(spec, ViTSpec)}
    known = next((name for name, spec in specs.items() if (spec.width, spec.depth) == (width, depth)), None)
    if known is None or len(heads) != 1:
        able = ", ".join(f"{spec.depth} x {spec.width}" for spec in specs.values())
        raise OtherNetworkError(f"{depth} blocks of width {width} with {sorted(heads)} heads; expected one of {able}")
    ratio = hidden / width
    variant = {
        "patch_size": side, "heads": heads.pop(), "mlp_ratio": int(ratio) if ratio == int(ratio) else ratio,
        "embedding_size": embedding_size, "mask_token": False,
    }  # fmt: skip
    walk.state["position"] = np.reshape(walk.state["position"], (1, -1, width))
    return Found(known, variant | ({} if size == (112, 112) else {"input_size": size}))
