"""Complete protocols on small stored sets, each against the metric function that it uses."""

import json

import numpy as np
import pytest

from facezoo.errors import ProtocolError, ShapeError
from facezoo.evaluation import all_pairs, verification
from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.metrics.distractors import identification_with_distractors
from facezoo.evaluation.metrics.search import identification
from facezoo.evaluation.metrics.templates import pool_templates
from facezoo.evaluation.metrics.video import pool_videos
from facezoo.evaluation.protocols.protocol import Protocol
from facezoo.evaluation.protocols.result import load_result
from facezoo.evaluation.protocols.run import run_protocol
from facezoo.evaluation.report.compare_results import compare_results
from facezoo.evaluation.report.table import combine


def people(seed=0, n=120, count=20, size=16):
    rng = np.random.default_rng(seed)
    labels = np.sort(np.concatenate([np.arange(count), rng.integers(0, count, n - count)]))
    rows = (rng.normal(size=(count, size))[labels] + rng.normal(size=(n, size))).astype(np.float32)
    number = np.arange(n) - np.searchsorted(labels, labels)
    names = np.array(
        [f"p{label:02d}/p{label:02d}_{index:04d}.jpg" for label, index in zip(labels, number, strict=True)]
    )
    return rows, labels, names


def protocol(*tasks, **more):
    return Protocol.model_validate({"name": "mine", "title": "Mine", "tasks": list(tasks), **more})


def write_pairs(folder, names, labels, seed=0, each=60):
    rng = np.random.default_rng(seed)
    lines = []
    while len(lines) < 2 * each:
        one, two = rng.integers(0, len(names), 2)
        same = int(labels[one] == labels[two])
        if one != two and sum(line.endswith(f" {same}") for line in lines) < each:
            lines.append(f"{names[one]} {names[two]} {same}")
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n")
    return lines


PAIRS = {"name": "mine", "kind": "pairs", "layout": "paths", "far": [0.1]}


def test_pairs(tmp_path):
    rows, labels, names = people()
    lines = write_pairs(tmp_path, names, labels)
    order = np.random.default_rng(1).permutation(len(rows))
    store = EmbeddingSet.build(rows[order] * 7, {"name": names[order]})
    outcome = run_protocol(protocol(PAIRS), store, lists=tmp_path)
    at = {name: row / np.linalg.norm(row) for name, row in zip(names.tolist(), rows.astype(float), strict=True)}
    scores = np.array([at[line.split()[0]] @ at[line.split()[1]] for line in lines])
    same = np.array([line.endswith("1") for line in lines])
    plain = verification(scores, same, far=(0.1,))
    task = outcome.tasks[0]
    assert task.figures[0].value == plain.accuracy
    assert task.figures[0].low <= plain.accuracy <= task.figures[0].high
    assert task.detail["tar"]["0.1"] == plain.tar[0.1]
    assert json.loads(json.dumps(outcome.to_dict()))["tasks"][0]["lists"]["pairs.txt"]
    with pytest.raises(ProtocolError, match="have no embedding"):
        run_protocol(protocol(PAIRS), EmbeddingSet.build(rows[:3], {"name": names[:3]}), lists=tmp_path)
    with pytest.raises(ProtocolError, match="has SHA-256"):
        run_protocol(protocol({**PAIRS, "sha256": "0" * 64}), store, lists=tmp_path)


def test_a_note_states_that_the_people_on_pairs_in_order_are_unknown():
    rows, labels, _ = people()
    same = labels[::2] == labels[1::2]
    outcome = run_protocol(protocol({**PAIRS, "folds": 3}), EmbeddingSet.build(rows, {}, same=same))
    assert any("pairs as independent" in note for note in outcome.tasks[0].notes)
    with pytest.raises(ShapeError, match="same has shape"):
        EmbeddingSet.build(rows[:-2], {}, same=same)


def test_pairs_by_group(tmp_path):
    rows, labels, names = people(2)
    write_pairs(tmp_path, names, labels)
    race = np.where(labels < 10, "x", "y")
    store = EmbeddingSet.build(rows, {"name": names, "race": race})
    outcome = run_protocol(protocol({**PAIRS, "group": "race", "group_fmr": 0.1}), store, lists=tmp_path)
    assert {"x: FMR", "y: FNMR", "worst FMR ratio", "FNMR spread"} <= {
        figure.name for figure in outcome.tasks[0].figures
    }


def test_all_pairs_within_across_and_ranking():
    rows, labels, _ = people(3)
    masked = np.arange(len(rows)) % 3 == 0
    store = EmbeddingSet.build(rows, {"label": labels, "masked": masked})
    outcome = run_protocol(
        protocol(
            {"name": "all", "kind": "all-pairs", "where": {"masked": 0}, "far": [0.01]},
            {"name": "masked", "kind": "all-pairs", "where": {"masked": 1}, "against": {"masked": 0}, "far": [0.01]},
            ranking={"all": 0.75, "masked": 0.25},
        ),
        store,
    )
    within = all_pairs(rows[~masked], labels[~masked], 0.01)
    across = all_pairs(rows[masked], labels[masked], 0.01, against=(rows[~masked], labels[~masked]))
    assert [task.figures[0].value for task in outcome.tasks] == [within.tar[0.01], across.tar[0.01]]
    assert outcome.ranking == pytest.approx(0.75 * within.tar[0.01] + 0.25 * across.tar[0.01])
    with pytest.raises(ProtocolError, match="task b: no row"):
        run_protocol(
            protocol(
                {"name": "a", "kind": "all-pairs", "far": [0.01]},
                {"name": "b", "kind": "all-pairs", "far": [0.01], "where": {"masked": 2}},
            ),
            store,
        )


def test_all_pairs_of_two_models_are_compared_by_identity(tmp_path):
    rows, labels, _ = people(11)
    noise = np.random.default_rng(0).normal(size=rows.shape).astype(np.float32)
    task = {"name": "all", "kind": "all-pairs", "far": [0.01, 1e-7]}
    results = []
    for name, embeddings in (("good", rows), ("bad", rows + 2 * noise)):
        run_protocol(protocol(task), EmbeddingSet.build(embeddings, {"label": labels})).save(tmp_path / name)
        results.append(load_result(tmp_path / name))
    ((task_name, found),) = compare_results(*results)
    assert task_name == "all"
    assert found.first == pytest.approx(all_pairs(rows, labels, 0.01).tar[0.01])
    assert found.difference == pytest.approx(found.first - found.second)
    assert found.distinguishable
    assert not compare_results(results[0], results[0])[0][1].distinguishable
    other = {**results[1], "tasks": [{**results[1]["tasks"][0], "identities": {"labels_sha256": "0"}}]}
    with pytest.raises(ProtocolError, match="different identities"):
        compare_results(results[0], other)


def test_all_pairs_by_group():
    rows, labels, _ = people(4)
    store = EmbeddingSet.build(rows, {"label": labels, "race": np.where(labels < 10, "x", "y")})
    task = {"name": "races", "kind": "all-pairs", "far": [0.01], "group": "race", "group_fmr": 0.01}
    found = run_protocol(protocol(task), store).tasks[0]
    assert set(found.detail["groups"]["groups"]) == {"x", "y"}


def test_videos():
    rows, labels, _ = people(5)
    videos = np.array([f"v{label}-{index % 2}" for index, label in enumerate(labels)])
    store = EmbeddingSet.build(rows, {"label": labels, "video": videos})
    task = {"name": "videos", "kind": "videos", "threshold": 0.2, "pooling": "norm", "far": [0.05]}
    found = run_protocol(protocol(task), store).tasks[0]
    names, pooled, kept = pool_videos(rows, videos, threshold=0.2, how="norm")
    who = np.array([int(name[1:].split("-")[0]) for name in names])
    assert found.figures[0].value == all_pairs(pooled, who, 0.05).tar[0.05]
    assert found.detail["frames_kept"] == kept.sum()


def test_searches():
    rows, labels, _ = people(6)
    gallery = (np.arange(len(rows)) - np.searchsorted(labels, labels) == 0) & (labels < 15)
    store = EmbeddingSet.build(rows, {"label": labels, "gallery": gallery})
    task = {"name": "s", "kind": "search", "gallery": {"gallery": 1}, "probes": {"gallery": 0}, "fpir": [0.5]}
    found = run_protocol(protocol(task), store).tasks[0]
    plain = identification(rows[~gallery], labels[~gallery], rows[gallery], labels[gallery], fpir=(0.5,))
    assert [figure.value for figure in found.figures] == [*plain.rank.values(), *plain.tpir.values()]
    shots = run_protocol(protocol({"name": "s", "kind": "search", "shots": 1, "fpir": [0.5]}), store).tasks[0]
    assert shots.detail["subjects"] == 20


def test_distractors():
    rows, labels, _ = people(7)
    role = (labels >= 12).astype(int)
    store = EmbeddingSet.build(rows, {"label": labels, "distractor": role})
    task = {
        "name": "d", "kind": "distractors", "probes": {"distractor": 0}, "distractors": {"distractor": 1},
        "sizes": [10, 20, 1000], "ranks": [1],
    }  # fmt: skip
    found = run_protocol(protocol(task), store).tasks[0]
    plain = identification_with_distractors(rows[role == 0], labels[role == 0], rows[role == 1], (10, 20), ranks=(1,))
    assert [figure.value for figure in found.figures] == [plain.rank[20][1], plain.rank[10][1]]
    assert found.figures[0].low <= found.figures[0].value <= found.figures[0].high
    assert found.notes == (f"1,000 distractors wanted, {(role == 1).sum()} available: not given",)


def test_reject(tmp_path):
    rows, labels, names = people(8)
    write_pairs(tmp_path, names, labels)
    task = {"name": "r", "kind": "reject", "layout": "paths", "fmr": 0.1}
    found = run_protocol(protocol(task), EmbeddingSet.build(rows, {"name": names}), lists=tmp_path).tasks[0]
    assert found.figures[0].name.startswith("area")
    assert len(found.detail["reject"]) == 96
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    flat = run_protocol(protocol(task), EmbeddingSet.build(unit, {"name": names}), lists=tmp_path).tasks[0]
    assert flat.notes == ("all pairs have the same quality: rejection has no order",)


def write_ijb(folder, labels, seed=0):
    """Official lists: two templates of each person in two galleries and probes."""
    rng = np.random.default_rng(seed)
    templates = labels * 10 + rng.integers(0, 3, len(labels))
    media = rng.integers(0, 3, len(labels))
    scores = rng.uniform(0.5, 1, len(labels))
    (folder / "tid.txt").write_text(
        "".join(f"{i}.jpg {t} {m}\n" for i, (t, m) in enumerate(zip(templates, media, strict=True)))
    )
    points = " 1 2" * 5
    (folder / "points.txt").write_text("".join(f"{i}.jpg{points} {s:.6f}\n" for i, s in enumerate(scores)))
    numbers = np.unique(templates)
    pairs = [(a, b, int(a // 10 == b // 10)) for a in numbers for b in numbers if a < b]
    (folder / "pairs.txt").write_text("".join(f"{a} {b} {s}\n" for a, b, s in pairs))
    for name, chosen in (
        ("g1", numbers[(numbers % 10 == 0) & (numbers < 100)]),
        ("g2", numbers[numbers % 10 == 1]),
        ("p", numbers[numbers % 10 == 2]),
    ):
        (folder / f"{name}.csv").write_text("T,S\n" + "".join(f"{t},{t // 10}\n" for t in chosen))
    return templates, media, np.round(scores, 6), np.array(pairs)


@pytest.mark.parametrize("file", [False, True])
def test_templates_from_official_lists(tmp_path, file):
    rows, labels, _ = people(9)
    templates, media, scores, pairs = write_ijb(tmp_path, labels)
    task = {
        "name": "t",
        "kind": "templates",
        "images": "tid.txt",
        "pairs": "pairs.txt",
        "landmarks": "points.txt",
        "far": [0.01],
    }
    np.save(tmp_path / "rows.npy", rows)
    store = NpyRows(tmp_path / "rows.npy") if file else EmbeddingSet.build(rows, {})
    whole = run_protocol(protocol(task), store, lists=tmp_path, confidence=0.5)
    assert whole.inputs["embeddings_sha256"] == store.sha256
    found = run_protocol(protocol(task), store, lists=tmp_path).tasks[0]
    assert whole.tasks[0].figures[0].low > found.figures[0].low
    numbers, pooled = pool_templates(rows, templates, media, weight="norm", detection_scores=scores)
    at = {number: row.astype(float) for number, row in zip(numbers.tolist(), pooled, strict=True)}
    flat = np.array([at[a] @ at[b] for a, b, _ in pairs.tolist()])
    same = pairs[:, 2] == 1
    limit = np.sort(flat[~same])[::-1][int(0.01 * (~same).sum())]
    assert found.figures[0].value == pytest.approx(np.mean(flat[same] > limit))
    search = {
        "name": "n",
        "kind": "template-search",
        "images": "tid.txt",
        "galleries": ["g1.csv", "g2.csv"],
        "probes": "p.csv",
        "landmarks": "points.txt",
        "fpir": [0.5],
    }
    result = run_protocol(protocol(search), store, lists=tmp_path).tasks[0]
    ranks = [result.detail[name]["rank"]["1"] for name in ("g1.csv", "g2.csv")]
    assert result.figures[0].value == pytest.approx(np.mean(ranks))


def test_template_lists_that_do_not_match(tmp_path):
    rows, labels, _ = people(9)
    write_ijb(tmp_path, labels)
    task = {"name": "t", "kind": "templates", "images": "tid.txt", "pairs": "pairs.txt", "far": [0.01]}
    with pytest.raises(ProtocolError, match="119 embeddings for 120 images"):
        run_protocol(protocol({**task, "detection_scores": False}), EmbeddingSet.build(rows[1:], {}), lists=tmp_path)
    with pytest.raises(ProtocolError, match="names no landmarks file"):
        run_protocol(protocol(task), EmbeddingSet.build(rows, {}), lists=tmp_path)
    np.save(tmp_path / "rows.npy", rows)
    with pytest.raises(ProtocolError, match="needs columns besides"):
        run_protocol(protocol(PAIRS), NpyRows(tmp_path / "rows.npy"), lists=tmp_path)


def stored_result(tmp_path, name, rows, names, **more):
    outcome = run_protocol(
        protocol(PAIRS), EmbeddingSet.build(rows, {"name": names}), lists=tmp_path, model=name, **more
    )
    outcome.save(tmp_path / f"{name}.json")
    return load_result(tmp_path / f"{name}.json")


def test_stored_results_compared_and_tabled(tmp_path):
    rows, labels, names = people(10)
    write_pairs(tmp_path, names, labels)
    good = stored_result(tmp_path, "good_1", rows, names)
    noise = np.random.default_rng(0).normal(size=rows.shape).astype(np.float32) * 4
    bad = stored_result(tmp_path, "bad", rows + noise, names)
    found = dict((item.figure, item) for _, item in compare_results(good, bad))
    assert found["accuracy"].first == good["tasks"][0]["figures"][0]["value"]
    assert found["accuracy"].difference > 0
    assert "TAR at FAR 0.1" in found
    assert not any(item.distinguishable for _, item in compare_results(good, good))
    markdown = combine([good, bad]).splitlines()
    assert markdown[0] == "| model | mine: accuracy |"
    assert markdown[2].startswith("| good_1 | ")
    latex = combine([good, bad], "latex")
    assert r"good\_1 &" in latex
    assert latex.startswith("\\begin{tabular}{lr}")
    with pytest.raises(ProtocolError, match="two results are of model"):
        combine([good, good])
    with pytest.raises(ProtocolError, match="no results"):
        combine([])
    with pytest.raises(ProtocolError, match="differs between results"):
        combine([good, {**bad, "protocol_sha256": "0"}])
    with pytest.raises(ProtocolError, match="different protocols"):
        compare_results(good, {**bad, "protocol_sha256": "0"})
    other = json.loads(json.dumps(bad))
    other["tasks"][0]["pairs"]["same"][0] ^= 1
    with pytest.raises(ProtocolError, match="different pairs"):
        compare_results(good, other)
    for result in (good, other):
        result["tasks"][0].pop("pairs")
    with pytest.raises(ProtocolError, match="have neither"):
        compare_results(good, other)
