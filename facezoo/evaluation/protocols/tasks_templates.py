"""Tasks on templates, from the official list files: 1:1 and 1:N."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from facezoo.errors import ProtocolError
from facezoo.evaluation.inputs.ijb import read_landmark_scores, read_pair_list, read_subjects, read_template_list
from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.search import identification
from facezoo.evaluation.metrics.templates import pool_templates, template_rows
from facezoo.evaluation.protocols.protocol import TemplateSearchTask, TemplatesTask
from facezoo.evaluation.protocols.result import Figure, TaskOutcome
from facezoo.evaluation.protocols.tasks_pairs import score_histogram
from facezoo.evaluation.protocols.tasks_sets import search_figures
from facezoo.evaluation.scores.products import listed_cosines
from facezoo.evaluation.scores.roc import Roc
from facezoo.evaluation.statistics.intervals import wilson


def file_sha256(path: Path) -> str:
    """Of a list file, read a piece at a time."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while piece := handle.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()


def pool_task_templates(
    task: TemplatesTask | TemplateSearchTask, store: EmbeddingSet | NpyRows, lists: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Template numbers and embeddings, from the task's list of images.

    Raises:
        ProtocolError: list and embeddings do not match.
    """
    listed = read_template_list(lists / task.images)
    rows: np.ndarray | NpyRows
    if isinstance(store, NpyRows):
        rows = store
    elif "name" in store.columns:
        rows = store.embeddings[store.rows_of(listed.images)]
    else:
        rows = store.embeddings
    if len(rows) != len(listed.images):
        raise ProtocolError(
            f"{len(rows)} embeddings for {len(listed.images)} images in {task.images}; expected one each"
        )
    scores = None
    if task.detection_scores:
        if task.landmarks is None:
            raise ProtocolError(f"task {task.name} weights by detection score but names no landmarks file")
        names, _, found = read_landmark_scores(lists / task.landmarks)
        if names != listed.images:
            raise ProtocolError(f"{task.landmarks} and {task.images} list different images")
        scores = found
    return pool_templates(rows, listed.templates, listed.media, weight=task.weight, detection_scores=scores)


def run_templates(task: TemplatesTask, store: EmbeddingSet | NpyRows, lists: Path, confidence: float) -> TaskOutcome:
    """1:1 of listed template pairs."""
    numbers, templates = pool_task_templates(task, store, lists)
    one, two, same = read_pair_list(lists / task.pairs)
    scores = listed_cosines(templates, template_rows(numbers, one), template_rows(numbers, two))
    del one, two
    roc = Roc.from_scores(scores, same)
    figures = []
    for far, tar in roc.tar_at_far(task.far).items():
        given = (np.nan, np.nan) if np.isnan(tar) else wilson(roc.accepted_at(far), roc.genuine, confidence)
        figures.append(Figure(f"TAR at FAR {far:g}", tar, *given))
    figures += [Figure("EER", roc.eer()), Figure("AUC", roc.auc(), percent=False)]
    detail = {
        "templates": len(numbers),
        "genuine": roc.genuine,
        "impostor": roc.impostor,
        "tar": {f"{far:g}": tar for far, tar in roc.tar_at_far(task.far).items()},
        "eer": roc.eer(),
        "auc": roc.auc(),
    }
    notes = [roc.unsupported(far) for far in task.far if not roc.supports(far)]
    notes.append("intervals take pairs as independent")
    return TaskOutcome(
        name=task.name,
        kind=task.kind,
        figures=figures,
        detail=detail,
        notes=tuple(notes),
        roc=roc,
        histogram=score_histogram(scores, same),
        lists={name: file_sha256(lists / name) for name in (task.images, task.pairs)},
    )


def run_template_search(
    task: TemplateSearchTask, store: EmbeddingSet | NpyRows, lists: Path, confidence: float
) -> TaskOutcome:
    """1:N: each gallery searched, figures averaged over the galleries."""
    numbers, templates = pool_task_templates(task, store, lists)
    probe_templates, probe_subjects = read_subjects(lists / task.probes)
    probes = templates[template_rows(numbers, probe_templates)]
    found = []
    for gallery in task.galleries:
        entries, subjects = read_subjects(lists / gallery)
        rows = templates[template_rows(numbers, entries)]
        found.append(identification(probes, probe_subjects, rows, subjects, ranks=task.ranks, fpir=task.fpir))
    each = [search_figures(result, confidence) for result in found]
    figures = []
    for column in zip(*each, strict=True):
        value, low, high = np.mean([(figure.value, figure.low, figure.high) for figure in column], axis=0).tolist()
        figures.append(Figure(column[0].name, value, low, high))
    depth = min(100, *(result.subjects for result in found))
    return TaskOutcome(
        name=task.name,
        kind=task.kind,
        figures=figures,
        detail={name: result.to_dict() for name, result in zip(task.galleries, found, strict=True)},
        notes=tuple(dict.fromkeys(note for result in found for note in result.notes)),
        cmc=np.mean([result.cmc(depth) for result in found], axis=0),
        lists={name: file_sha256(lists / name) for name in (task.images, task.probes, *task.galleries)},
    )
