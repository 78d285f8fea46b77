"""``facezoo weights convert``: another precision, or a framework's own file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    weights: Annotated[Path, typer.Argument(help="A weight file, or a name of the index of weights.")],
    out: Annotated[Path, typer.Option(help="The file to write: .safetensors, .pt or .pdparams.")],
    precision: Annotated[str, typer.Option(help="float32, float16 or bfloat16.")] = "float32",
    to: Annotated[str, typer.Option(help="facezoo, torch (.pt) or paddle (.pdparams).")] = "facezoo",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write weights in another precision, or as torch's or paddle's own file; read back and compared at once."""
    from facezoo.checkpoints.convert import convert_weights
    from facezoo.cli.show import print_json
    from facezoo.weights.pretrained import model_path

    done = convert_weights(model_path(weights), out, precision=precision, to=to)
    if json:
        print_json(done)
        return
    print(f"{done['out']}: {done['size'] / 1e6:.1f} MB, {done['precision']}; largest change {done['change']:.2g}")
