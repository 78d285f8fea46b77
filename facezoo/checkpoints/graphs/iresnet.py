"""IResNet of arcface_torch in a graph."""

from __future__ import annotations

from facezoo.checkpoints.foreign.base import Found, named_by
from facezoo.checkpoints.graphs.steps import Step
from facezoo.checkpoints.graphs.walk import Follower, OtherNetworkError, Walk
from facezoo.specs.ir import UNITS, WIDTHS


def recognise_iresnet(walk: Walk, steps: list[Step], size: tuple[int, int]) -> Found:
    """Stem, four stages whose first block has a projection, norm, linear layer, norm.

    Raises:
        OtherNetworkError: where the steps differ.
    """
    at = walk.follow(steps)
    at.prelu("stem.prelu", at.conv("stem.conv", "stem.bn", 3))
    units: list[int] = []
    while at.next == "residual":
        step = at.take("residual")
        branch, shortcut = sorted(step.ways, key=len, reverse=True)
        if shortcut:
            units.append(0)
        if not units:
            raise OtherNetworkError(
                f"the block after {step.source!r} has no projection; expected one in every first block"
            )
        name = f"stages.{len(units) - 1}.{units[-1]}"
        _block(walk.follow(branch), name, 2 if shortcut else 1)
        if shortcut:
            on_side = walk.follow(shortcut)
            on_side.conv(f"{name}.shortcut.conv", f"{name}.shortcut.bn", 1, 2)
            on_side.finish()
        units[-1] += 1
    known = named_by(tuple(units), "IResNet") or named_by(tuple(units), "ResNet")
    if known is None:
        able = ", ".join(str(value) for value in UNITS.values())
        raise OtherNetworkError(f"the stages have {tuple(units)} blocks; expected one of {able}")
    if at.next == "norm":
        at.norm("neck.bn")
    else:
        raise OtherNetworkError(f"{at.where()}; expected a norm before the linear layer")
    at.take("reshape")
    embedding_size = at.linear("neck.linear", "neck.bn_out")
    at.finish()
    widths = tuple(len(walk.state[f"stages.{stage}.0.conv1.weight"]) for stage in range(4))
    if widths != WIDTHS:
        raise OtherNetworkError(f"the stages have {widths} channels; expected {WIDTHS}")
    return Found(known, {"embedding_size": embedding_size} | ({} if size == (112, 112) else {"input_size": size}))


def _block(at: Follower, name: str, stride: int) -> None:
    at.norm(f"{name}.bn1")
    at.prelu(f"{name}.prelu", at.conv(f"{name}.conv1", f"{name}.bn2", 3))
    at.conv(f"{name}.conv2", f"{name}.bn3", 3, stride)
    at.finish()
