"""IR networks of face.evoLVe and FaceX-Zoo: no BN between the first convolution and the PReLU."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes, counted, named_by
from facezoo.specs.ir import WIDTHS, IRSpec


def units_of(shapes: Shapes, convolution: str) -> tuple[int, ...]:
    """Number of blocks of each width, from the flat list ``body.N``; ``convolution`` is the first one of a block."""
    widths = [shapes.get(f"body.{n}.{convolution}", (0,))[0] for n in range(counted(shapes, r"body\.(\d+)\."))]
    return tuple(widths.count(width) for width in WIDTHS)


class EvolveIR(Layout):
    """``body.N.res_layer.{0 BN, 1 conv, 2 PReLU, 3 conv, 4 BN}``; keys of the two projects are identical."""

    family = "ir"
    projects = ("evolve", "facex")

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``res_layer.2`` is a PReLU, so it has no statistics."""
        if len(shapes.get("body.0.res_layer.2.weight", ())) != 1 or "body.0.res_layer.2.running_mean" in shapes:
            return None
        se = "body.0.res_layer.5.fc1.weight" in shapes
        name = named_by(units_of(shapes, "res_layer.1.weight"), "IRSE" if se else "IR")
        if name is None or "output_layer.3.weight" not in shapes:
            return None
        return Found(name, {"embedding_size": shapes["output_layer.3.weight"][0]})

    def layers(self, spec: IRSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        branch = {
            "bn1": "0",
            "conv1": "1",
            "prelu": "2",
            "conv2": "3",
            "bn3": "4",
            "se.fc1": "5.fc1",
            "se.fc2": "5.fc2",
        }
        yield from ir_layers(spec, branch)


def ir_layers(spec: IRSpec, branch: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The pairs of layers for layouts that hold the blocks in one flat list."""
    yield from (("stem.conv", "input_layer.0"), ("stem.bn", "input_layer.1"), ("stem.prelu", "input_layer.2"))
    number = 0
    for stage, units in enumerate(spec.units):
        for block in range(units):
            ours, theirs = f"stages.{stage}.{block}", f"body.{number}"
            yield from ((f"{ours}.{layer}", f"{theirs}.res_layer.{place}") for layer, place in branch.items())
            yield f"{ours}.shortcut.conv", f"{theirs}.shortcut_layer.0"
            yield f"{ours}.shortcut.bn", f"{theirs}.shortcut_layer.1"
            number += 1
    yield from (("neck.bn", "output_layer.0"), ("neck.linear", "output_layer.3"), ("neck.bn_out", "output_layer.4"))
