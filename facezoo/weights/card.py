"""The model card: training, figures and limits of a weight file, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from facezoo import __version__
from facezoo.errors import CheckpointError
from facezoo.io.files import atomic_write
from facezoo.io.json_text import parse_json

LIMITS = (
    "It compares faces; it does not identify a person by itself, and no score is proof of identity.",
    "Scores are only comparable under the same alignment, preprocessing and model.",
    "A threshold is valid for data like those it was chosen on; choose it again on your data.",
    "Error rates differ between groups of people; measure them on your groups.",
)


@dataclass(frozen=True)
class CardFigure:
    """One result.

    Attributes:
        benchmark: "LFW, ten folds", "CFP-FP", ...
        metric: "accuracy", "TAR@FAR=1e-4", ...
        value: the figure, as a fraction 0..1.
        low: lower end of its interval, or None.
        high: upper end.
        level: confidence level of the interval.
        group: the group of people it was measured on; empty for all.
        command: that reproduces it.
    """

    benchmark: str
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    group: str = ""
    command: str = ""


@dataclass(frozen=True)
class CardData:
    """A data set of the training.

    Attributes:
        name: of the data set.
        identities: number of people, or None if unknown.
        images: number of images, or None if unknown.
        terms: terms of use, in a sentence.
        home: its page.
    """

    name: str
    identities: int | None = None
    images: int | None = None
    terms: str = "unknown"
    home: str = "unknown"


@dataclass(frozen=True)
class ModelCard:
    """The facts that should come with a weight file.

    Attributes:
        name: of the model.
        backbone: the zoo's name.
        variant: options of the backbone.
        embedding_size: values per image.
        parameters: trainable values, without the head.
        preprocess: as :meth:`facezoo.specs.preprocess.Preprocess.to_dict` gives it.
        head: the loss and its options.
        training: how it was trained: steps, epochs, schedule, seed, backend, command; plain types.
        data: the data sets of the training.
        licence: licence of the weights.
        figures: results, groups included.
        limits: limits of use.
        sha256: of the weight file; filled in when the card is written beside it.
        size: of the weight file in bytes.
        producer: the version of facezoo that wrote it.
        imported_from: file and layout of the other project's checkpoint it was made from; empty if facezoo trained it.
    """

    name: str
    backbone: str
    embedding_size: int
    preprocess: dict[str, Any]
    variant: dict[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    head: str = "unknown"
    training: dict[str, Any] = field(default_factory=dict)
    data: tuple[CardData, ...] = ()
    licence: str = "unknown"
    figures: tuple[CardFigure, ...] = ()
    limits: tuple[str, ...] = LIMITS
    sha256: str = ""
    size: int = 0
    producer: str = f"facezoo {__version__}"
    imported_from: str = ""

    def to_json(self) -> str:
        """As JSON; :meth:`from_json` reads it back."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """The inverse of :meth:`to_json`.

        Raises:
            CheckpointError: it is not a card.
        """
        try:
            values = parse_json(text)
            values["data"] = tuple(CardData(**item) for item in values.get("data", ()))
            values["figures"] = tuple(CardFigure(**item) for item in values.get("figures", ()))
            values["limits"] = tuple(values.get("limits", ()))
            return cls(**values)
        except (ValueError, TypeError, AttributeError) as error:
            raise CheckpointError(f"not a model card: {error}") from error

    def to_markdown(self) -> str:
        """As a Markdown page."""
        parts = [f"# {self.name}", self._model(), self._training(), self._data(), self._figures(), self._limits()]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _model(self) -> str:
        options = ", ".join(f"{key} {value}" for key, value in sorted(self.variant.items()))
        shape = "x".join(map(str, self.preprocess.get("size", ())))
        scaling = f"(pixel - {_numbers(self.preprocess.get('mean'))}) / {_numbers(self.preprocess.get('std'))}"
        rows = [
            ("backbone", f"{self.backbone}{f' ({options})' if options else ''}"),
            ("embedding", f"{self.embedding_size} values; compare by cosine"),
            ("parameters", f"{self.parameters:,}" if self.parameters else "unknown"),
            ("input", f"{self.preprocess.get('color')} {shape}, {scaling}, template {self.preprocess.get('template')}"),
            ("head", self.head),
            ("licence of the weights", self.licence),
            ("written by", self.producer),
        ]
        if self.imported_from:
            rows.append(("imported from", f"{self.imported_from}; facezoo did not train it"))
        if self.sha256:
            rows.append(("file", f"{self.size:,} bytes, SHA-256 {self.sha256}"))
        return _table(("", ""), rows)

    def _training(self) -> str:
        rows = [(key, _as_text(value)) for key, value in self.training.items()]
        return f"## How it was trained\n\n{_table(('', ''), rows)}" if rows else ""

    def _data(self) -> str:
        if not self.data:
            return "## What it was trained on\n\nUnknown."
        rows = [(item.name, _count(item.identities), _count(item.images), item.terms, item.home) for item in self.data]
        return f"## What it was trained on\n\n{_table(('data set', 'identities', 'images', 'terms', 'home'), rows)}"

    def _figures(self) -> str:
        if not self.figures:
            return "## Figures\n\nNone measured."
        rows = [
            (
                item.benchmark,
                item.group or "all",
                item.metric,
                f"{100 * item.value:.2f} %",
                _interval(item),
                item.command,
            )
            for item in self.figures
        ]
        text = _table(("benchmark", "people", "metric", "value", "interval", "command"), rows)
        return f"## Figures\n\n{text}{self._groups()}"

    def _groups(self) -> str:
        """The worst and the best group of each benchmark that was measured by group."""
        lines = []
        for key in dict.fromkeys((item.benchmark, item.metric) for item in self.figures if item.group):
            found = [item for item in self.figures if (item.benchmark, item.metric) == key and item.group]
            low, high = min(found, key=lambda item: item.value), max(found, key=lambda item: item.value)
            if low is not high:
                lines.append(
                    f"On {key[0]} ({key[1]}) it does worse on {low.group} ({100 * low.value:.2f} %) "
                    f"than on {high.group} ({100 * high.value:.2f} %)."
                )
        return "\n\n" + "\n".join(lines) if lines else ""

    def _limits(self) -> str:
        return "## Limits of use\n\n" + "\n".join(f"- {line}" for line in self.limits) if self.limits else ""


def write_card(card: ModelCard, weights: str | Path) -> tuple[Path, Path]:
    """Write ``NAME.card.md`` and ``NAME.card.json`` beside the weight file, with its size and hash in them.

    Raises:
        CheckpointError: there is no such file.
    """
    from dataclasses import replace

    from facezoo.io.files import file_hash

    weights = Path(weights)
    if not weights.is_file():
        raise CheckpointError(f"no weight file {str(weights)!r} to write a card for")
    card = replace(card, sha256=file_hash(weights), size=weights.stat().st_size)
    pages = weights.with_suffix(".card.md"), weights.with_suffix(".card.json")
    for page, text in zip(pages, (card.to_markdown(), card.to_json()), strict=True):
        with atomic_write(page) as part:
            part.write_text(text, encoding="utf-8")
    return pages


def read_card(weights: str | Path) -> ModelCard | None:
    """The card beside a weight file, or None."""
    page = Path(weights).with_suffix(".card.json")
    return ModelCard.from_json(page.read_text(encoding="utf-8", errors="replace")) if page.is_file() else None


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in lines
    )


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | tuple) else str(value)


def _numbers(values: Any) -> str:
    unique = sorted(set(values or ()))
    return f"{unique[0]:g}" if len(unique) == 1 else str(tuple(values or ()))


def _count(value: int | None) -> str:
    return f"{value:,}" if value else "unknown"


def _interval(item: CardFigure) -> str:
    if item.low is None or item.high is None:
        return "not measured"
    return f"{100 * item.low:.2f} to {100 * item.high:.2f} % ({100 * item.level:g} %)"
