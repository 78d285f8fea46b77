"""The options of ``facezoo evaluate`` that select what is evaluated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from facezoo.cli import options
from facezoo.download.urls import local_path
from facezoo.errors import ConfigError

FLIPS = ("none", "sum", "concat")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Request:
    """The model, its images and how they are embedded. The fields are options of the command line."""

    protocol: Annotated[str, typer.Option(metavar="NAME|FILE", help="A protocol of --list, or a YAML file.")] = "lfw"
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE|NAME", help="Weight file, or a name from `facezoo weights list`.")
    ] = None
    backend: options.InferenceBackend = options.DEFAULT_BACKEND
    data: Annotated[Path | None, typer.Option(metavar="PATH", help="Folder of images, or a .bin.")] = None
    lists: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the list files. Default: --data, or beside it.")
    ] = None
    pairs: Annotated[Path | None, typer.Option(metavar="FILE", help="List of pairs that replaces the protocol's.")] = (
        None
    )
    landmarks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Landmarks, such as the table of `facezoo align`. Default: landmarks.csv by the lists."
        ),
    ] = None
    detector: Annotated[
        str | None, options.one_of("detector", options.DETECTORS, "Find landmarks in photos, without a table.")
    ] = None
    embeddings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Stored embeddings: .npz, .npy or .parquet.")
    ] = None
    columns: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV of more columns, one row per embedding.")
    ] = None
    scores: Annotated[Path | None, typer.Option(metavar="FILE", help=".npz of scores, same and optionally folds.")] = (
        None
    )
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the model in tables.")] = None
    flip: Annotated[
        str | None, options.one_of("flip mode", FLIPS, "Use of the mirrored image. Default: the protocol's.")
    ] = None
    confidence: Annotated[
        float, typer.Option(metavar="SHARE", help="Confidence of the intervals, between 0 and 1.")
    ] = 0.95
    batch_size: Annotated[int, typer.Option(metavar="N", help="Images per batch; does not change results.")] = 64
    device: options.Device = "auto"
    runtime: options.Runtime = "native"
    precision: Annotated[str, options.one_of("precision", PRECISIONS, "Numeric type of the network.")] = "float32"
    save_embeddings: Annotated[Path | None, typer.Option(metavar="FILE", help="Also store the embeddings as .npz.")] = (
        None
    )

    def check_confidence(self) -> None:
        """Raise ConfigError unless the confidence is between 0 and 1."""
        if not 0.0 < self.confidence < 1.0:
            raise ConfigError(f"--confidence is {self.confidence}; expected a value between 0 and 1, such as 0.95")

    def with_model(self) -> Request:
        """The request with the path of its weight file, downloaded if ``weights`` is a name.

        Raises:
            ConfigError: not exactly one model is given, or options do not fit together.
        """
        sources = (("--weights", self.weights), ("--embeddings", self.embeddings), ("--scores", self.scores))
        given = [option for option, value in sources if value]
        if len(given) != 1:
            raise ConfigError(
                f"got {' and '.join(given) or 'no model'}; expected one of --weights, --embeddings, --scores"
            )
        if self.detector and (self.landmarks or not self.weights):
            raise ConfigError("--detector goes with --weights, and without --landmarks")
        names = ("data", "lists", "pairs", "landmarks", "embeddings", "columns", "scores")
        given_files = {name: path for name in names if (path := getattr(self, name)) is not None}
        local: dict[str, Any] = {name: local_path(path) for name, path in given_files.items()}
        request = replace(self, **local)
        if not self.weights:
            return request
        if self.data is None:
            raise ConfigError("--weights needs --data: the folder of images, or a .bin")
        from facezoo.weights.pretrained import model_path

        return replace(request, weights=model_path(self.weights, self.backend))
