"""``facezoo embed``: embeddings of photos into one file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from facezoo.cli import options

logger = logging.getLogger(__name__)


def command(
    paths: Annotated[list[Path], typer.Argument(metavar="PHOTOS", help="Photos, or folders of photos.")],
    out: Annotated[Path, typer.Option(metavar="FILE|FOLDER", help="A .npz file; with --aligned also a folder.")],
    weights: options.WeightsOrDefault = None,
    backend: options.InferenceBackend = options.DEFAULT_BACKEND,
    face: options.Face = "largest",
    aligned: options.Aligned = False,
    device: options.Device = "auto",
    runtime: options.Runtime = "native",
    workers: Annotated[
        int, typer.Option(metavar="N", help="Number of processes; 0: one per core, or one with a GPU.")
    ] = 0,
    engine: options.Engine = "local",
    ray_address: options.RayAddress = None,
    as_json: options.AsJson = False,
) -> None:
    """Write the normalised embeddings of photos to a .npz file.

    Its arrays: embeddings, paths, labels, boxes, landmarks, scores. Photos that cannot be read or show no face are
    left out and listed. A call that was interrupted can be repeated: finished parts are kept in FILE.parts.

    With --aligned and a folder as --out, PHOTOS is one training set (folder, list file or .rec), and the embeddings of
    all its images, not normalised and in its order, are written as files that a training run maps: the stored
    embeddings of a teacher.
    """
    import os
    import shutil

    from facezoo import backends
    from facezoo.cli.model import chosen_weights
    from facezoo.cli.show import print_json, say
    from facezoo.cli.writable import check_output
    from facezoo.errors import ConfigError, DataError
    from facezoo.inference.bulk_embed import embed_photos
    from facezoo.inference.gallery import ModelRecord, photos_below, write_embeddings
    from facezoo.io.progress import progress_bar

    if out.suffix == "" and aligned:
        if engine != "local" or workers > 1:
            raise ConfigError(f"--out is the folder {str(out)!r}, which this process fills alone: leave out --engine "
                              "and --workers")  # fmt: skip
        _embed_set(paths, out, weights, backend, device, runtime, as_json)
        return
    if out.suffix != ".npz":
        raise ConfigError(f"--out is {str(out)!r}; its name must end in .npz; a folder goes with --aligned")
    check_output("--out", out)
    weights = chosen_weights(weights, backend)
    photos = photos_below(paths)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # processes share the cores; threads would only compete
    where = options.bulk_engine(engine, ray_address, workers)
    if (
        engine == "local"
        and workers == 0
        and backend != backends.ONNX
        and str(backends.module(backend, "device").pick_device(device)) != "cpu"
    ):
        where = options.bulk_engine(engine, ray_address, 1)
    parts = out.with_name(f"{out.name}.parts")
    with progress_bar("embedding", "photos", len(photos)) as on_progress:
        result = embed_photos(
            photos, weights, backend=backend, aligned=aligned, face=face, device=device, runtime=runtime, engine=where,
            keep_parts=parts, on_progress=on_progress,
        )  # fmt: skip
    for path, reason in result.skipped.items():
        logger.warning("skipped %s", reason if path in reason else f"{path}: {reason}")
    if not result.paths:
        raise DataError(f"none of {len(photos)} photos gave an embedding; the first: {next(iter(result.skipped))}")
    labels = [photos[Path(path)] for path in result.paths]
    write_embeddings(out, result, labels, ModelRecord.read(weights))
    shutil.rmtree(parts, ignore_errors=True)
    count, width = result.embeddings.shape
    several = sum(found > 1 for found in result.found)
    if as_json:
        print_json(
            {"out": str(out), "embeddings": count, "size": width, "skipped": result.skipped, "several_faces": several}
        )
        return
    say(f"{count} embeddings of {width} values in {out}; {len(result.skipped)} photos skipped")
    if several:
        print(f"{several} photos show several faces; the {face} was embedded")


def _embed_set(
    paths: list[Path], out: Path, weights: Path | None, backend: str, device: str, runtime: str, as_json: bool
) -> None:  # fmt: skip
    """Store the embeddings of a training set."""
    from facezoo.cli.model import chosen_weights
    from facezoo.cli.show import print_json, say
    from facezoo.data.sources.open_source import open_source
    from facezoo.data.sources.source import StreamSource
    from facezoo.errors import ConfigError
    from facezoo.inference.embedder import Embedder
    from facezoo.inference.stored_embeddings import store_embeddings
    from facezoo.io.files import file_hash
    from facezoo.io.progress import progress_bar

    if len(paths) != 1:
        raise ConfigError(f"--out is a folder and {len(paths)} sets are given; expected one training set")
    source = open_source(paths[0])
    if isinstance(source, StreamSource):
        raise ConfigError(f"{str(paths[0])!r} is a stream of shards, whose images have no numbers; expected a folder, "
                          "a list file or a .rec file")  # fmt: skip
    path = chosen_weights(weights, backend)
    embedder = Embedder(path, backend=backend, device=device, runtime=runtime)
    model = {"weights": Path(path).name, "sha256": file_hash(path)}
    with progress_bar("embedding", "images", len(source)) as on_progress:
        stored = store_embeddings(
            source, embedder.raw, out, size=embedder.preprocess.size, model=model, on_progress=on_progress
        )
    if as_json:
        print_json({"out": str(out), "embeddings": len(stored), "size": stored.size})
        return
    say(f"{len(stored)} embeddings of {stored.size} values in {out}")
