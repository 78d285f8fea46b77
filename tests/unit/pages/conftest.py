"""One page of each kind, made once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.protocols.protocol import Protocol
from facezoo.evaluation.protocols.run import run_protocol
from facezoo.evaluation.report.page import write_page
from facezoo.io.sheet import write_sheet_page
from facezoo.training.config_file import build_config, dump_config
from facezoo.training.report import write_report
from facezoo.zoo.page import write_zoo_page

KINDS = ("run", "evaluation", "sheet", "zoo")


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> dict[str, Path]:
    """Kind -> page. Names are long, so that a page that does not break them is too wide."""
    folder = tmp_path_factory.mktemp("pages")
    made = {kind: folder / f"{kind}.html" for kind in KINDS}
    write_report(_run(folder / ("run-" * 20)), made["run"], samples=4)
    rng = np.random.default_rng(0)
    names = np.array(
        [f"person_with_a_long_name_{i // 2}/person_with_a_long_name_{i // 2}_{i:04}.jpg" for i in range(40)]
    )
    lines = [f"{names[2 * i]} {names[2 * i + 1]} 1\n{names[2 * i]} {names[2 * i - 1]} 0" for i in range(20)]
    (folder / "pairs.txt").write_text("\n".join(lines))
    tasks = [
        {"name": "pairs", "kind": "pairs", "layout": "paths", "far": [0.2, 1e-4]},
        {"name": "search", "kind": "search", "gallery": {"probe": 0}, "probes": {"probe": 1}, "fpir": [0.5]},
    ]
    protocol = Protocol.model_validate({"name": "mine", "title": "Mine", "tasks": tasks})
    store = EmbeddingSet.build(rng.normal(size=(40, 4)).astype(np.float32), {"name": names, "probe": np.arange(40) % 2})
    face = np.full((8, 8, 3), 200, np.uint8)
    result = run_protocol(protocol, store, lists=folder, model="a_model_" * 12)
    write_page(result, made["evaluation"], crop=lambda name: face)
    write_sheet_page(made["sheet"], [face] * 30, [str(name) for name in names[:30]], title="Crops of x")
    write_zoo_page(made["zoo"])
    return made


def _run(run: Path) -> Path:
    run.mkdir()
    settings = {"steps": 300, "data": {"identities": 4, "images_per_identity": 4}, "batch_size": 4}
    (run / "config.yaml").write_text(dump_config(build_config(settings)))
    records = [
        {"step": step, "time": 100.0 + step, "loss": 10 / step, "learning_rate": 0.1, "grad_norm": 1.0,
         "images_per_second": 50.0, "stage": "classes" if step <= 60 else "margin", "teacher_distance": 1.0}
        for step in range(1, 101)
    ]  # fmt: skip
    records += [
        {"step": step, "time": 100.5 + step, "validation": name, "accuracy": 0.9, "standard_error": 0.01}
        for step in (50, 100) for name in ("16 held-out identities", "lfw")
    ]  # fmt: skip
    (run / "log.jsonl").write_text("\n".join(map(json.dumps, sorted(records, key=lambda item: item["step"]))))
    session = {"step": 0, "time": 99.0, "backend": "torch", "processes": 1, "machine": {"cores": "2"},
               "versions": {"numpy": "2"}}  # fmt: skip
    (run / "sessions.jsonl").write_text(json.dumps(session) + "\nnot JSON\n")
    return run
