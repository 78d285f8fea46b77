"""``facezoo weights convert``: another precision, or a framework's own file format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options

PRECISIONS = ("float32", "float16", "bfloat16")
FORMS = ("facezoo", "torch", "paddle")


def command(
    weights: Annotated[
        Path, typer.Argument(metavar="FILE|NAME", help="A weight file, or a name from `facezoo weights list`.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write: .safetensors, .pt or .pdparams.")],
    precision: Annotated[str, options.one_of("precision", PRECISIONS, "Numeric type of the new file.")] = "float32",
    to: Annotated[
        str, options.one_of("form", FORMS, "Format: facezoo's own, torch's .pt or paddle's .pdparams.")
    ] = "facezoo",
    as_json: options.AsJson = False,
) -> None:
    """Convert weights to another precision or file format.

    The new file is read back and compared with the original.
    """
    from facezoo.checkpoints.convert import convert_weights
    from facezoo.cli.show import print_json, say
    from facezoo.weights.pretrained import model_path

    done = convert_weights(model_path(weights), out, precision=precision, to=to)
    if as_json:
        print_json(done)
        return
    say(f"{done['out']}: {done['size'] / 1e6:.1f} MB, {done['precision']}; largest change {done['change']:.2g}")
