"""The model of ``verify``, ``embed`` and ``identify``, which may be left out."""

from __future__ import annotations

import sys
from pathlib import Path


def chosen_weights(weights: Path | None, backend: str | None = None) -> Path:
    """The weight file of a path or name; without one, of the index's default model.

    A default model that is not in the cache is downloaded after one question at the terminal; the answer is stored.

    Args:
        weights: a path or a name of the index; None for the default model.
        backend: "onnx" asks for an ONNX file, and has no default model.

    Raises:
        ConfigError: backend "onnx" without a file.
        DownloadError: there is no terminal to ask at, or the answer is no; the message states the command that gets
            the model.
        CheckpointError: neither a file nor a name.
    """
    from facezoo.backends import ONNX
    from facezoo.weights.pretrained import default_path, model_path

    if weights is not None or backend == ONNX:
        return model_path(weights, backend)
    from facezoo.cli.ask import confirmed
    from facezoo.io.progress import BYTES, progress_bar
    from facezoo.weights import store
    from facezoo.weights.index import default_entry

    entry = default_entry()
    if store.present(entry.name):
        return default_path()
    if not store.consented(entry) and sys.stdin.isatty():
        print(f"no --weights; the default model is {entry.name}: {entry.title}", file=sys.stderr)
        print(f"{store.summary(entry)}; licence of the data it was trained on: {entry.licence.data}", file=sys.stderr)
        if confirmed("Download it once?"):
            store.consent(entry)
    if store.consented(entry):
        with progress_bar(f"downloading {entry.name}", BYTES) as on_progress:
            store.fetch(entry.name, on_progress=on_progress)
    return default_path()
