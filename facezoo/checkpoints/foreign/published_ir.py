"""IR networks of AdaFace and CVLface: a BN after the first convolution, the last BN without weight and bias."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes, named_by
from facezoo.checkpoints.foreign.evolve_ir import ir_layers, units_of
from facezoo.errors import CheckpointError
from facezoo.specs.ir import IRSpec


class PublishedIR(Layout):
    """``body.N.res_layer.{0 BN, 1 conv, 2 BN, 3 PReLU, 4 conv, 5 BN}``, SE at ``res_layer.se_block``."""

    family = "ir"
    projects = ("adaface", "cvlface")

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``res_layer.2`` is a BN and ``res_layer.3`` a PReLU."""
        if "body.0.res_layer.8.weight" in shapes and "input_layer.0.weight" in shapes:
            raise CheckpointError(
                "this is a bottleneck network of AdaFace or CVLface (called IR_152 or IR_200 there, 2048 channels); "
                "expected one of their basic-block networks: 18, 34, 50 or 101 layers"
            )
        if "body.0.res_layer.2.running_mean" not in shapes or len(shapes.get("body.0.res_layer.3.weight", ())) != 1:
            return None
        se = any(key.startswith("body.0.res_layer.se_block.") for key in shapes)
        name = named_by(units_of(shapes, "res_layer.1.weight"), "IRSE" if se else "IR")
        if name is None or "output_layer.3.weight" not in shapes:
            return None
        return Found(name, {"block": "published", "embedding_size": shapes["output_layer.3.weight"][0]})

    def layers(self, spec: IRSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        branch = {"bn1": "0", "conv1": "1", "bn2": "2", "prelu": "3", "conv2": "4", "bn3": "5"}
        yield from ir_layers(spec, {**branch, "se.fc1": "se_block.fc1", "se.fc2": "se_block.fc2"})
