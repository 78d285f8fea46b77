"""``facezoo evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

MaybePath = Optional[Path]  # noqa: UP045  typer reads these at run time
Text = Optional[str]  # noqa: UP045


def command(
    files: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Argument(help="With --compare, --table or --merge: stored results or parts."),
    ] = None,
    protocol: Annotated[str, typer.Option(help="Name of a protocol, or a YAML file; see --list.")] = "lfw",
    weights: Annotated[MaybePath, typer.Option(help="Weight file, or a name of the index of weights.")] = None,
    backend: Annotated[str, typer.Option(help="torch or paddle.")] = "torch",
    data: Annotated[MaybePath, typer.Option(help="Folder of images, or a .bin.")] = None,
    lists: Annotated[MaybePath, typer.Option(help="Folder of list files; by default --data, or beside it.")] = None,
    pairs: Annotated[MaybePath, typer.Option(help="The list of pairs, instead of the protocol's file name.")] = None,
    landmarks: Annotated[
        MaybePath, typer.Option(help="Table of landmarks, as of facezoo align; default landmarks.csv by the lists.")
    ] = None,
    detector: Annotated[Text, typer.Option(help="mtcnn or uniface: find the landmarks, no table needed.")] = None,
    embeddings: Annotated[MaybePath, typer.Option(help=".npz, .npy or .parquet, instead of --weights.")] = None,
    columns: Annotated[MaybePath, typer.Option(help="CSV of further columns, a line an embedding.")] = None,
    scores: Annotated[
        MaybePath, typer.Option(help=".npz with scores, same and perhaps folds: no embeddings at all.")
    ] = None,
    model: Annotated[Text, typer.Option(help="What to call the model in tables.")] = None,
    flip: Annotated[Text, typer.Option(help="none, sum or concat; by default as the protocol says.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals, 0 to 1.")] = 0.95,
    batch_size: Annotated[int, typer.Option(help="Images at once; changes no figure.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, gpu or gpu:N.")] = "auto",
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    out: Annotated[MaybePath, typer.Option(help="Store the result as JSON (a part as .npz).")] = None,
    report: Annotated[MaybePath, typer.Option(help="Write an HTML page.")] = None,
    save_embeddings: Annotated[MaybePath, typer.Option(help="Keep the embeddings as .npz.")] = None,
    calibrate: Annotated[
        Optional[list[float]],  # noqa: UP045
        typer.Option(help="A wanted FMR: store threshold and probabilities beside the weights; repeat for more."),
    ] = None,
    part: Annotated[Text, typer.Option(help="K/N: compute share K of N of an all-pairs protocol into --out.")] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Join the parts FILES.")] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Compare the two results FILES pair by pair.")] = False,
    table: Annotated[bool, typer.Option("--table", help="Put the results FILES in one table.")] = False,
    form: Annotated[str, typer.Option("--format", help="Of --table: markdown or latex.")] = "markdown",
    show: Annotated[bool, typer.Option("--list", help="List the protocols.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Evaluate a weight file or stored embeddings by a protocol, with intervals."""
    from facezoo.cli import evaluate_modes as modes
    from facezoo.cli.evaluate_inputs import Request
    from facezoo.errors import ConfigError

    chosen = [name for name, on in (("--merge", merge), ("--compare", compare), ("--table", table)) if on]
    if len(chosen) > 1:
        raise ConfigError(f"{' and '.join(chosen)} exclude each other")
    if files and not chosen:
        raise ConfigError(f"got {str(files[0])!r}; files go with --compare, --table or --merge, models with --weights")
    if not 0.0 < confidence < 1.0:
        raise ConfigError(f"--confidence is {confidence}; expected a value between 0 and 1, such as 0.95")
    if show:
        return modes.show_protocols(as_json)
    if merge:
        return modes.merge_parts(files or [], as_json)
    if compare:
        return modes.compare_files(files or [], confidence, as_json)
    if table:
        return modes.combine_files(files or [], form, as_json)
    given = [
        name for name, value in (("--weights", weights), ("--embeddings", embeddings), ("--scores", scores)) if value
    ]
    if len(given) != 1:
        raise ConfigError(f"got {' and '.join(given) or 'no model'}; expected one of --weights, --embeddings, --scores")
    if detector and (landmarks or not weights):
        raise ConfigError("--detector goes with --weights, and without --landmarks")
    if weights and data is None:
        raise ConfigError("--weights needs --data: the folder of images, or a .bin")
    if weights:
        from facezoo.weights.pretrained import model_path

        weights = model_path(weights)
    asked = Request(
        protocol=protocol, weights=weights, backend=backend, data=data, lists=lists, pairs=pairs, landmarks=landmarks,
        detector=detector, embeddings=embeddings, columns=columns, scores=scores, model=model, flip=flip,
        confidence=confidence, batch_size=batch_size, device=device, precision=precision,
        save_embeddings=save_embeddings,
    )  # fmt: skip
    if part is not None:
        return modes.one_part(asked, part, out)
    return modes.evaluate(asked, out=out, report=report, calibrate=calibrate or [], as_json=as_json)
