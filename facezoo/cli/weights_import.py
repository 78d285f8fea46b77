"""``facezoo weights import``: a checkpoint of another project as a facezoo weight file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options


def command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .pth, .pt, .ckpt, .pdparams, .safetensors, .npz or .onnx.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The .safetensors to write. Default: only check.")
    ] = None,
    layout: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the layout, if the same keys are used by two projects.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="For .onnx: aligned crops that give the statistics of batch norms folded into convolutions.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Import the checkpoint of another project.

    The layout is recognised by keys and shapes. Wrappers and prefixes are removed, every tensor is checked, and a
    missing or surplus tensor is an error. No code in the file is executed. The network of an ONNX file is recognised
    by its graph, and its embeddings are compared with those of ONNX Runtime where that is installed.
    """
    from facezoo.checkpoints.foreign.importer import import_checkpoint
    from facezoo.checkpoints.weights import write_weights
    from facezoo.cli.show import print_json, say
    from facezoo.errors import ConfigError

    if out is not None and out.resolve() == file.resolve():
        raise ConfigError(f"--out is {str(out)!r}, the file that is read; expected another name")
    imported = import_checkpoint(file, layout=layout, images=images)
    if out is not None:
        producer = {"imported_from": file.name, "layout": imported.layout}
        write_weights(out, imported.spec, imported.state, producer=producer)
    if as_json:
        print_json(
            {
                "file": str(file),
                "out": None if out is None else str(out),
                "layout": imported.layout,
                "backbone": imported.backbone,
                "variant": imported.variant,
                "preprocess": imported.preprocess.to_dict(),
                "report": imported.report,
            }
        )
        return
    for line in imported.report:
        say(line)
    pixels = imported.preprocess
    print(f"preprocessing: {pixels.color}, {pixels.size[0]}x{pixels.size[1]}, mean {pixels.mean}, std {pixels.std}")
    say(f"wrote {out}" if out is not None else "nothing written; --out W.safetensors writes it")
