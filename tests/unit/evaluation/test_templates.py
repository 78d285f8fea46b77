"""Template pooling against its definition in loops, and the list files of IJB."""

import numpy as np
import pytest

from facezoo.errors import DataError, NumericalError, ProtocolError, ShapeError, UnknownNameError
from facezoo.evaluation.inputs.ijb import (
    read_integer_table,
    read_landmark_scores,
    read_pair_list,
    read_subjects,
    read_template_list,
)
from facezoo.evaluation.inputs.rows import NpyRows, iterate_rows
from facezoo.evaluation.metrics.templates import pool_templates, template_rows
from facezoo.evaluation.scores.products import listed_cosines


def make(seed=0, n=60, size=6):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, size)).astype(np.float32) * rng.uniform(0.5, 3, (n, 1)).astype(np.float32)
    return rows, rng.integers(10, 19, n), rng.integers(0, 4, n), rng.random(n)


def by_hand(rows, templates, media, scores, weight):
    out = []
    for template in sorted(set(templates.tolist())):
        total = np.zeros(rows.shape[1])
        for medium in sorted(set(media[templates == template].tolist())):
            chosen = np.flatnonzero((templates == template) & (media == medium))
            parts = []
            for index in chosen:
                row = rows[index].astype(np.float64)
                if weight == "unit":
                    row = row / np.linalg.norm(row)
                parts.append(row * (1 if scores is None else scores[index]))
            total += np.mean(parts, axis=0)
        out.append(total / np.linalg.norm(total))
    return np.array(out)


@pytest.mark.parametrize("weight", ["unit", "norm"])
@pytest.mark.parametrize("detector", [False, True])
def test_media_first_then_templates(weight, detector):
    rows, templates, media, scores = make()
    scores = scores if detector else None
    numbers, pooled = pool_templates(rows, templates, media, weight=weight, detection_scores=scores)
    assert numbers.tolist() == sorted(set(templates.tolist()))
    np.testing.assert_allclose(pooled, by_hand(rows, templates, media, scores, weight), atol=1e-6)


def test_a_file_read_in_blocks_gives_the_same_result(tmp_path):
    rows, templates, media, _ = make(1)
    np.save(tmp_path / "rows.npy", rows)
    stored = NpyRows(tmp_path / "rows.npy")
    assert [start for start, _ in iterate_rows(stored, 25)] == [0, 25, 50]
    assert (np.concatenate([part for _, part in iterate_rows(stored, 7)]) == rows).all()
    assert (pool_templates(stored, templates, media)[1] == pool_templates(rows, templates, media)[1]).all()


def test_flip_halves():
    rows, templates, media, _ = make(2)
    both = np.concatenate([rows, rows[:, ::-1]], axis=1)
    fused = pool_templates(both, templates, media, flip="sum")[1]
    np.testing.assert_allclose(fused, pool_templates(rows + rows[:, ::-1], templates, media)[1], atol=1e-6)
    first = pool_templates(both, templates, media, flip="first")[1]
    assert (first == pool_templates(rows, templates, media)[1]).all()
    with pytest.raises(ShapeError, match="two halves"):
        pool_templates(rows[:, :5], templates, media, flip="sum")


def test_result_does_not_depend_on_the_order_of_images():
    rows, templates, media, scores = make(3)
    order = np.random.default_rng(0).permutation(len(rows))
    plain = pool_templates(rows, templates, media, detection_scores=scores)[1]
    moved = pool_templates(rows[order], templates[order], media[order], detection_scores=scores[order])[1]
    np.testing.assert_allclose(moved, plain, atol=1e-6)


def test_bad_templates():
    rows, templates, media, scores = make()
    with pytest.raises(ShapeError, match="59 templates for 60 embeddings"):
        pool_templates(rows, templates[1:], media)
    with pytest.raises(ShapeError, match="59 detection scores"):
        pool_templates(rows, templates, media, detection_scores=scores[1:])
    with pytest.raises(UnknownNameError, match="'norm'"):
        pool_templates(rows, templates, media, weight="norms")
    with pytest.raises(UnknownNameError, match="flip"):
        pool_templates(rows, templates, media, flip="both")
    with pytest.raises(NumericalError, match="detection score"):
        pool_templates(rows, templates, media, detection_scores=scores * np.nan)
    with pytest.raises(NumericalError, match="row 4 of 60"):
        pool_templates(np.where(np.arange(60)[:, None] == 4, np.nan, rows), templates, media)
    with pytest.raises(NumericalError, match="template 5 adds up to zero"):
        pool_templates(np.array([[1.0, 0], [-1, 0]]), np.array([5, 5]), np.array([1, 2]))
    with pytest.raises(ProtocolError, match="no embeddings"):
        pool_templates(rows[:0], templates[:0], media[:0])
    with pytest.raises(ProtocolError, match="2 templates of the list have no image, first 7"):
        template_rows(np.array([1, 5]), np.array([1, 7, 9, 7]))
    assert template_rows(np.array([1, 5]), np.array([5, 1, 5])).tolist() == [1, 0, 1]


def test_official_lists(tmp_path):
    (tmp_path / "tid.txt").write_text("1.jpg 1 69544\n2.jpg 1 69544\n3.jpg 2 7\n")
    listed = read_template_list(tmp_path / "tid.txt")
    assert listed.images == ["1.jpg", "2.jpg", "3.jpg"]
    assert listed.templates.tolist() == [1, 1, 2]
    (tmp_path / "pairs.txt").write_text("1 11065 1\n1 11066 0\n")
    first, second, same = read_pair_list(tmp_path / "pairs.txt")
    assert (first.tolist(), second.tolist(), same.tolist()) == ([1, 1], [11065, 11066], [True, False])
    (tmp_path / "points.txt").write_text("1.jpg 46.0 62.0 87.0 63.0 58.5 95.2 51.5 105.9 77.6 106.8 0.998\n")
    names, points, scores = read_landmark_scores(tmp_path / "points.txt")
    assert (names, points.shape, scores.tolist()) == (["1.jpg"], (1, 5, 2), [0.998])
    assert points[0, 2].tolist() == [58.5, 95.2]
    (tmp_path / "g1.csv").write_text("TEMPLATE_ID,SUBJECT_ID,FILENAME\n5,2,a.jpg\n5,2,b.jpg\n4,9,c.jpg\n")
    templates, subjects = read_subjects(tmp_path / "g1.csv")
    assert (templates.tolist(), subjects.tolist()) == ([4, 5], [9, 2])


def test_bad_lists(tmp_path):
    path = tmp_path / "x.txt"
    for text, reader, message in [
        ("1 2\n", read_pair_list, "2 numbers; expected 3"),
        ("1 2 3\n", read_pair_list, "a label is 3"),
        ("1 two 3\n", read_pair_list, "other than integers"),
        ("", read_pair_list, "0 numbers"),
        ("a.jpg 1\n", read_template_list, "line 1 is 'a.jpg 1'"),
        ("a.jpg 1 1\nb.jpg x 1\n", read_template_list, "line 2"),
        ("a.jpg 1 2 3\n", read_landmark_scores, "line 1 has 4 fields"),
        ("a.jpg" + " x" * 11, read_landmark_scores, "could not convert"),
        ("h\nx,1\n", read_subjects, "TEMPLATE_ID,SUBJECT_ID"),
        ("h\n1,1\n1,2\n", read_subjects, "template 1 has two subjects"),
    ]:
        path.write_text(text)
        with pytest.raises(ProtocolError, match=message):
            reader(path)
    for text, reader in [("", read_template_list), ("h\n", read_subjects)]:
        path.write_text(text)
        with pytest.raises(DataError, match=r"empty|no template"):
            reader(path)
    for reader in (read_pair_list, read_template_list, read_subjects, read_landmark_scores):
        with pytest.raises(DataError, match="No such file"):
            reader(tmp_path / "none")


@pytest.mark.parametrize("block", [3, 8, 64])
def test_listed_cosines_by_tiles_and_one_by_one(block):
    rng = np.random.default_rng(block)
    rows = rng.normal(size=(30, 5))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows.astype(np.float32)
    first, second = rng.integers(0, 30, (2, 700))
    expected = np.array([rows[a].astype(float) @ rows[b].astype(float) for a, b in zip(first, second, strict=True)])
    np.testing.assert_allclose(listed_cosines(rows, first, second, block), expected, atol=1e-7)
    assert (listed_cosines(rows, first, second, block) == listed_cosines(rows, second, first, 2048)).all()


def test_integer_table_over_many_pieces(tmp_path, monkeypatch):
    table = np.random.default_rng(0).integers(0, 10**6, (5000, 3))
    np.savetxt(tmp_path / "t.txt", table, fmt="%d")
    assert (read_integer_table(tmp_path / "t.txt", 3) == table).all()


def test_bad_files_of_rows(tmp_path):
    with pytest.raises(DataError, match="cannot read embeddings"):
        NpyRows(tmp_path / "none.npy")
    np.save(tmp_path / "ints.npy", np.ones((2, 2), int))
    with pytest.raises(DataError, match="expected floats"):
        NpyRows(tmp_path / "ints.npy")
    np.save(tmp_path / "cut.npy", np.ones((9, 2)))
    data = (tmp_path / "cut.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(data[:-8])
    with pytest.raises(DataError, match="truncated"):
        NpyRows(tmp_path / "cut.npy")
