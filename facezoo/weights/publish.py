"""Publishing: a folder with the weight file, its card, its index entry and hashes, ready for any web server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from facezoo.checkpoints.weights import WeightFile, read_weights
from facezoo.download import staged_folder
from facezoo.errors import CheckpointError, ConfigError
from facezoo.io.files import atomic_write, file_hash
from facezoo.weights.card import CardData, ModelCard, read_card, write_card
from facezoo.weights.index import dump_entry
from facezoo.weights.schema import NAME, Figure, Licence, WeightsEntry, WeightsFile

CALIBRATION = ".calibration.json"  # as `facezoo evaluate` writes it beside a weight file


def publish(
    weights: str | Path,
    out: str | Path,
    *,
    name: str,
    urls: Sequence[str] = (),
    licence: str = "unknown",
    card: ModelCard | None = None,
) -> WeightsEntry:
    """Write the folder ``out`` with ``NAME.safetensors``, its card, ``NAME.yaml`` and ``SHA256SUMS``.

    A calibration file beside the weights is included.

    Args:
        weights: a file that facezoo wrote; it is read and checked first.
        out: the new folder.
        name: name of the model in an index.
        urls: URLs under which the folder will be served, in order of preference; without one the entry has no address.
        licence: licence of the weights; "unknown" takes that of the card.
        card: replaces the one beside the weights.

    Returns:
        The index entry, as in ``NAME.yaml``.

    Raises:
        ConfigError: the name or a URL cannot stand in an index; nothing is written.
        CheckpointError: the weight file is not valid.
    """
    weights, out = Path(weights), Path(out)
    check_name(name)
    file = read_weights(weights)
    card = card or read_card(weights) or plain_card(file, name)
    card = replace(
        card,
        name=name,
        licence=licence if licence != "unknown" else card.licence,
        imported_from=card.imported_from or origin(file),
    )
    with staged_folder(out) as folder:
        copy = folder / f"{name}.safetensors"
        shutil.copyfile(weights, copy)
        write_card(card, copy)
        if weights.with_suffix(CALIBRATION).is_file():
            shutil.copyfile(weights.with_suffix(CALIBRATION), copy.with_suffix(CALIBRATION))
        entry = make_entry(file, copy, card, urls)
        (folder / f"{name}.yaml").write_text(dump_entry(entry), encoding="utf-8")
        write_sums(folder)
    return entry


def check_name(name: str) -> None:
    """Refuse a name that the index does not take; files are named by it.

    Raises:
        ConfigError: the message gives the nearest valid name.
    """
    if re.fullmatch(NAME.strip("^$"), name) is None:
        near = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("._-")
        hint = f", such as {near!r}" if near else ""
        raise ConfigError(
            f"name is {name!r}; expected lower-case letters, digits, '.', '_' and '-', a letter or digit first{hint}"
        )


def origin(file: WeightFile) -> str:
    """The checkpoint that a weight file was imported from, with its layout; empty for a file of facezoo's training."""
    producer, source = file.info.get("producer"), file.info.get("source")
    if not isinstance(producer, dict):
        return ""
    if "imported_from" in producer:  # by `facezoo weights import`
        return f"{producer['imported_from']} (layout {producer.get('layout', 'unknown')})"
    if "imported_by" in producer:  # at the first use of a model of the index
        return f"{source['name'] if isinstance(source, dict) and 'name' in source else 'a model'} of the index"
    return ""


def plain_card(file: WeightFile, name: str) -> ModelCard:
    """A card from the metadata of the weight file, for one without a card."""
    training = file.info.get("training")
    data = file.info.get("data", ())
    return ModelCard(
        name=name,
        backbone=file.spec.name,
        variant=file.spec.options(),
        embedding_size=file.spec.embedding_size,
        parameters=count_parameters(file.state),
        preprocess=file.spec.preprocess.to_dict(),
        head=str(file.info.get("head", "unknown")),
        training=training if isinstance(training, dict) else {},
        data=tuple(CardData(str(item)) for item in ([data] if isinstance(data, str) else data)),
        licence=str(file.info.get("licence", "unknown")),
    )


def count_parameters(state: dict[str, np.ndarray]) -> int:
    """Values that are trained: all but the running statistics."""
    return sum(array.size for name, array in state.items() if not name.endswith(("running_mean", "running_var")))


def make_entry(file: WeightFile, path: Path, card: ModelCard, urls: Sequence[str]) -> WeightsEntry:
    """The index entry of a facezoo weight file.

    Raises:
        ConfigError: a value cannot stand in an index.
    """
    try:
        return _entry(file, path, card, urls)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "entry"
        raise ConfigError(f"{where} is {str(first['input'])[:80]!r}: {first['msg']}") from error


def _entry(file: WeightFile, path: Path, card: ModelCard, urls: Sequence[str]) -> WeightsEntry:
    measured = [
        Figure(
            benchmark=f"{item.benchmark}, {item.metric}{f', {item.group}' if item.group else ''}",
            value=round(100 * item.value, 4),
            low=None if item.low is None else round(100 * item.low, 4),
            high=None if item.high is None else round(100 * item.high, 4),
            source=item.command or "the model card",
        )
        for item in card.figures
    ]
    return WeightsEntry(
        name=card.name,
        title=f"{card.backbone} imported from {card.imported_from}"
        if card.imported_from
        else f"{card.backbone} trained by facezoo",
        backbone=file.spec.name,
        variant=card.variant,
        head=card.head,
        training_data=tuple(item.name for item in card.data) or ("unknown",),
        embedding_size=file.spec.embedding_size,
        preprocess=file.spec.preprocess.to_dict(),
        parameters=count_parameters(file.state),
        layout="facezoo",
        files=tuple(
            WeightsFile(
                name=part.name,
                holds=holds,
                urls=tuple(f"{url.rstrip('/')}/{part.name}" for url in urls),
                size=part.stat().st_size,
                sha256=file_hash(part),
                hash_from="the publisher",
            )
            for part, holds in (
                (path, "weights with metadata"),
                (path.with_suffix(".card.json"), "model card"),
                (path.with_suffix(CALIBRATION), "thresholds"),
            )
            if part.is_file()
        ),
        licence=Licence(
            code="unknown" if card.imported_from else "Apache-2.0",
            weights=card.licence,
            data="; ".join(d.terms for d in card.data) or "unknown",
        ),
        measured=tuple(measured),
        thresholds=tuple(file.info.get("thresholds") or ()),
        home=urls[0] if urls else "unknown",
        notes=f"Imported from {card.imported_from}; facezoo did not train it." if card.imported_from else "",
    )


def write_sums(folder: Path) -> Path:
    """Write ``SHA256SUMS`` of all files in a folder, as ``sha256sum -c`` reads it."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    if not files:
        raise CheckpointError(f"{folder} is empty")
    with atomic_write(folder / "SHA256SUMS") as part:
        part.write_text("".join(f"{file_hash(path)}  {path.name}\n" for path in files), encoding="utf-8")
    return folder / "SHA256SUMS"
