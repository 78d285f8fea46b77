"""Carrying out a protocol on stored embeddings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from facezoo.errors import ProtocolError
from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.protocols.protocol import (
    AllPairsTask,
    DistractorsTask,
    PairsTask,
    Protocol,
    RejectTask,
    SearchTask,
    Task,
    TemplateSearchTask,
    TemplatesTask,
)
from facezoo.evaluation.protocols.result import Outcome, TaskOutcome
from facezoo.evaluation.protocols.tasks_pairs import run_pairs, run_pairs_in_order, run_reject
from facezoo.evaluation.protocols.tasks_sets import run_all_pairs, run_distractors, run_search, run_videos
from facezoo.evaluation.protocols.tasks_templates import run_template_search, run_templates


def run_protocol(
    protocol: Protocol,
    store: EmbeddingSet | NpyRows,
    *,
    lists: str | Path | None = None,
    model: str = "embeddings",
    inputs: dict[str, Any] | None = None,
    confidence: float = 0.95,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Every task of a protocol, in order.

    Args:
        protocol: what to do.
        store: embeddings with their columns; a file of rows too large to hold, for templates.
        lists: the folder in which list files are found.
        model: what is evaluated, as a person calls it.
        inputs: further hashes and settings for the report.
        confidence: of the intervals.
        progress: called with (tiles done, tiles in all) by all-pairs tasks.

    Raises:
        ProtocolError: lists and embeddings do not match; the message names the task when there are several.
    """
    folder = Path(lists) if lists is not None else Path()
    tasks = []
    for task in protocol.tasks:
        try:
            tasks.append(_run(task, store, folder, confidence, progress))
        except ProtocolError as error:
            if len(protocol.tasks) == 1:
                raise
            raise ProtocolError(f"task {task.name}: {error}") from error
    ranking = None
    if protocol.ranking:
        headline = {task.name: task.figures[0].value for task in tasks}
        ranking = float(sum(share * headline[name] for name, share in protocol.ranking.items()))
    stored = {"embeddings_sha256": store.sha256} if isinstance(store, EmbeddingSet) else {}
    return Outcome(
        protocol=protocol.name,
        title=protocol.title,
        protocol_sha256=protocol.sha256,
        model=model,
        inputs={**stored, **(inputs or {})},
        tasks=tasks,
        ranking=ranking,
        confidence=confidence,
    )


def _run(
    task: Task,
    store: EmbeddingSet | NpyRows,
    lists: Path,
    confidence: float,
    progress: Callable[[int, int], None] | None,
) -> TaskOutcome:
    if isinstance(task, TemplatesTask):
        return run_templates(task, store, lists, confidence)
    if isinstance(task, TemplateSearchTask):
        return run_template_search(task, store, lists, confidence)
    if isinstance(store, NpyRows):
        raise ProtocolError(f"task {task.name} is of kind {task.kind}; it needs columns besides the embeddings")
    if isinstance(task, PairsTask):
        if store.same is not None:
            return run_pairs_in_order(task, store, store.same, confidence)
        return run_pairs(task, store, lists, confidence)
    if isinstance(task, RejectTask):
        return run_reject(task, store, lists, confidence)
    if isinstance(task, AllPairsTask):
        return run_all_pairs(task, store, confidence, progress)
    if isinstance(task, SearchTask):
        return run_search(task, store, confidence)
    if isinstance(task, DistractorsTask):
        return run_distractors(task, store, confidence)
    return run_videos(task, store, confidence, progress)
