"""Running a protocol on embeddings."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from facezoo.bulk import Engine
from facezoo.errors import ConfigError, ProtocolError
from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.protocols.protocol import Protocol
from facezoo.evaluation.protocols.result import ProtocolResult
from facezoo.evaluation.protocols.tasks.base import TaskSettings
from facezoo.io.progress import OnProgress, ignore_progress


def run_protocol(
    protocol: Protocol,
    store: EmbeddingSet | NpyRows,
    *,
    lists: str | Path | None = None,
    model: str = "embeddings",
    inputs: dict[str, Any] | None = None,
    confidence: float = 0.95,
    engine: str | Engine = "local",
    keep_parts: str | Path | None = None,
    on_progress: OnProgress = ignore_progress,
) -> ProtocolResult:
    """Every task of a protocol, in order.

    Args:
        protocol: the protocol.
        store: embeddings with their columns; for templates also the rows of a file that is too large for memory.
        lists: the folder of the list files; by default the current folder.
        model: name of the evaluated model in tables.
        inputs: more hashes and settings for the report.
        confidence: of the intervals, between 0 and 1.
        engine: "local", "ray" or an :class:`facezoo.bulk.Engine`: where tasks that compare all pairs do so.
        keep_parts: folder that keeps the finished parts of a cluster, so that a call that was killed continues there.
        on_progress: called with the tiles done and their total by tasks that compare all pairs.

    Raises:
        ConfigError: the engine is not "local" and no task compares all pairs.
        ProtocolError: lists and embeddings do not match; the message names the task if there are several.
    """
    engine = Engine.of(engine)
    check_engine(protocol, engine)
    settings = TaskSettings(
        Path(lists) if lists is not None else Path(), confidence, on_progress, engine,
        Path(keep_parts) if keep_parts is not None else None,
    )  # fmt: skip
    results = []
    for task in protocol.tasks:
        try:
            results.append(task.run(store, settings))
        except ProtocolError as error:
            if len(protocol.tasks) == 1:
                raise
            raise ProtocolError(f"task {task.name}: {error}") from error
    if keep_parts is not None:
        with contextlib.suppress(OSError):  # not empty: the user has files there
            Path(keep_parts).rmdir()
    ranking = None
    if protocol.ranking:
        headline = {result.name: result.figures[0].value for result in results}
        ranking = float(sum(share * headline[name] for name, share in protocol.ranking.items()))
    return ProtocolResult(
        protocol=protocol.name,
        title=protocol.title,
        protocol_sha256=protocol.sha256,
        model=model,
        inputs={"embeddings_sha256": store.sha256, **(inputs or {})},
        tasks=results,
        ranking=ranking,
        confidence=confidence,
    )


def check_engine(protocol: Protocol, engine: Engine) -> None:
    """Refuse a cluster for a protocol without bulk work.

    Raises:
        ConfigError: the engine is not "local" and no task compares all pairs.
    """
    if engine.name != "local" and not any(task.bulk for task in protocol.tasks):
        raise ConfigError(
            f"engine is {engine.name!r}, which goes with protocols that compare all pairs; "
            f"protocol {protocol.name} does not"
        )
