"""``facezoo export``: a model as a file for another runtime, checked against the original."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    weights: Annotated[str, typer.Argument(help="A weight file, or a name of the index of weights.")],
    to: Annotated[
        str,
        typer.Option(help="onnx, torchscript, torch-export, paddle-inference, paddle-lite-ready or openvino."),
    ],
    out: Annotated[Path | None, typer.Option(help="The file to write; none: beside the weights.")] = None,
    with_preprocess: Annotated[
        bool, typer.Option("--with-preprocess", help="Take uint8 RGB (N, H, W, 3); colour and scaling go inside.")
    ] = False,
    fold: Annotated[bool, typer.Option("--fold", help="Fold batch norm into the convolutions before it.")] = False,
    precision: Annotated[str, typer.Option(help="float32, float16 or int8.")] = "float32",
    images: Annotated[
        Path | None, typer.Option(help="Aligned crops to compare on, and for int8 to calibrate on; none: drawn faces.")
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Largest cosine distance from the original; none: the precision's own.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Use a model whose licence or hash is unknown.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Export a model; the file is run at once, compared with the original, and refused past the tolerance."""
    from facezoo.cli.show import print_json
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
    if json:
        print_json(report.to_dict())
        return
    difference = report.difference
    print(f"{' and '.join(str(path) for path in report.files)}: {report.size / 1e6:.1f} MB, {precision}")
    print(
        f"compared on {difference.images} images: cosine distance {difference.cosine:.2g} "
        f"(allowed {report.tolerance:.2g}), values {difference.relative:.2g} of their scale, "
        f"lengths {difference.norm:.2g}"
    )
