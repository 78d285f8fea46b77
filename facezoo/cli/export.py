"""``facezoo export``: a model as a file for another runtime, checked against the original."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options

TARGETS = ("onnx", "torchscript", "torch-export", "paddle-inference", "paddle-lite-ready", "openvino")
PRECISIONS = ("float32", "float16", "int8")


def command(
    weights: Annotated[
        str, typer.Argument(metavar="FILE|NAME", help="A weight file, or a name from `facezoo weights list`.")
    ],
    to: Annotated[str, options.one_of("export target", TARGETS, "The format.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write. Default: beside the weights.")
    ] = None,
    with_preprocess: Annotated[
        bool,
        typer.Option("--with-preprocess", help="Include preprocessing: the input is uint8 RGB (N, H, W, 3)."),
    ] = False,
    fold: Annotated[
        bool, typer.Option("--fold", help="Fold batch norms into adjacent convolution and linear layers.")
    ] = False,
    precision: Annotated[str, options.one_of("precision", PRECISIONS, "Numeric type of the new file.")] = "float32",
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Aligned crops for the comparison, and for int8 the calibration. Default: synthetic."
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(metavar="DISTANCE", help="Largest cosine distance from the original. Default: by precision."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Use a model whose licence or hash is unknown.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Export a model to another runtime.

    The new file is run and compared with the original; if the difference exceeds the tolerance, it is not kept.
    """
    from facezoo.cli.show import print_json, say
    from facezoo.export import export_model
    from facezoo.export.targets import find_target

    target = find_target(to, precision)
    if Path(weights).is_file() or Path(weights).suffix == ".safetensors":
        path = Path(weights)
    else:
        from facezoo.weights.pretrained import canonical

        path = canonical(weights, yes=yes)
    report = export_model(
        path, out or path.with_name(f"{path.stem}{target.suffix}"), to=to, with_preprocess=with_preprocess,
        fold=fold, precision=precision, images=images, tolerance=tolerance,
    )  # fmt: skip
    if as_json:
        print_json(report.to_dict())
        return
    difference = report.difference
    say(f"{' and '.join(str(path) for path in report.files)}: {report.size / 1e6:.1f} MB, {precision}")
    print(
        f"compared on {difference.images} images: cosine distance {difference.cosine:.2g} "
        f"(allowed {report.tolerance:.2g}), values {difference.relative:.2g} of their scale, "
        f"lengths {difference.norm:.2g}"
    )
