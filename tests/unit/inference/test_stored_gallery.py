"""Galleries on disk: enrol, remove, exact and indexed search, interruption, damage."""

from __future__ import annotations

import sqlite3
import sys
import threading

import numpy as np
import pytest

from facezoo.errors import ConfigError, DataError, NumericalError, ShapeError, UnknownNameError
from facezoo.inference import gallery_database, vector_index
from facezoo.inference.gallery import Gallery, ModelRecord
from facezoo.inference.stored_gallery import INDEX, VECTORS, StoredGallery
from facezoo.inference.vectors import best_rows

MODEL = ModelRecord("a" * 64, "sum", "arcface112")


def unit(values):
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def people(count, size=16, seed=0):
    print(f"seed {seed}")
    return [f"p{number}" for number in range(count)], unit(np.random.default_rng(seed).standard_normal((count, size)))


@pytest.fixture
def gallery(tmp_path):
    return StoredGallery.create(tmp_path / "g", 16, MODEL)


def test_it_gives_the_answers_of_a_gallery_in_memory(gallery):
    _, rows = people(60)
    labels = [f"p{number % 20}" for number in range(60)]
    wanted = Gallery.from_embeddings(rows, labels)
    assert gallery.enrol(labels[:25], rows[:25]) == (20, 0)
    assert gallery.enrol(labels[25:], rows[25:]) == (0, 20)
    assert len(gallery) == 20
    assert gallery.names() == wanted.names
    for query, found in zip(rows, gallery.search(rows, 5), strict=True):
        expected = wanted.search(query, 5)
        assert [name for name, _ in found] == [name for name, _ in expected]
        np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], atol=1e-6)
    facts = StoredGallery(gallery.folder).facts()
    assert (facts.persons, facts.photos, facts.size, facts.model, facts.indexed) == (20, 60, 16, MODEL, 0)
    assert facts.rows == 40  # a person who gets more photos gets a new row


def test_removed_persons_are_not_found_and_not_in_the_file(gallery):
    names, rows = people(30)
    gallery.enrol(names, rows)
    before = np.fromfile(gallery.folder / VECTORS, "<f4").reshape(-1, 16)
    assert gallery.remove(["p3", "p4", "p3"]) == 2
    left = Gallery.from_embeddings(np.delete(rows, [3, 4], 0), names[:3] + names[5:])
    found = gallery.search(rows[3:4], 28)[0]
    assert [name for name, _ in found] == [name for name, _ in left.search(rows[3], 28)]
    assert len(gallery.search(rows[3:4], 100)[0]) == 28
    stored = np.fromfile(gallery.folder / VECTORS, "<f4").reshape(-1, 16)
    assert [row for row in range(30) if not stored[row].any()] == sorted(
        int(np.argmax(before @ rows[number])) for number in (3, 4)
    )
    with pytest.raises(UnknownNameError, match="unknown person in the gallery 'p3'"):
        gallery.remove(["p5", "p3"])
    assert len(gallery) == 28
    gallery.enrol(["p3"], rows[3:4])
    assert gallery.search(rows[3:4], 1)[0][0] == ("p3", pytest.approx(1, abs=1e-6))


def test_blocks_and_ties():
    draw = np.random.default_rng(1)
    rows, queries = unit(draw.standard_normal((100, 8))), unit(draw.standard_normal((3, 8)))
    rows[50] = rows[10]
    without = np.array([0, 7, 99])
    scores = queries @ rows.T
    scores[:, without] = -2
    for block in (1, 7, 100, 0):
        found, values = best_rows(rows, queries, 97, without=without, block=block)
        order = np.lexsort((np.broadcast_to(np.arange(100), scores.shape), -scores), axis=1)[:, :97]
        np.testing.assert_allclose(values, np.take_along_axis(scores, order, 1), atol=1e-6)
        assert found.shape == (3, 97)
        assert not np.isin(found, without).any()
        place = [row.tolist().index(10) for row in found]
        assert all(row[at + 1] == 50 for row, at in zip(found.tolist(), place, strict=True))


def test_an_interrupted_enrolment_changes_nothing(gallery, monkeypatch):
    names, rows = people(10)
    gallery.enrol(names[:5], rows[:5])

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(gallery_database, "forget", stop)  # the rows are in the file, the names are not
    with pytest.raises(KeyboardInterrupt):
        gallery.enrol(names[5:], rows[5:] * 2)
    monkeypatch.undo()
    assert len(gallery) == 5
    gallery.enrol(["new"], rows[9:])
    assert gallery.search(rows[9:], 2)[0][0][0] == "new"
    assert len(gallery.search(rows[:1], 100)[0]) == 6


def test_embeddings_that_an_interrupted_removal_left_are_erased_later(gallery, monkeypatch):
    names, rows = people(10)
    gallery.enrol(names, rows)

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("facezoo.inference.stored_gallery.erase_rows", stop)
    with pytest.raises(KeyboardInterrupt):
        gallery.remove(["p0", "p1"])
    monkeypatch.undo()
    assert len(gallery) == 8  # they are removed, and still in the file
    assert np.fromfile(gallery.folder / VECTORS, "<f4").reshape(-1, 16).any(axis=1).all()
    gallery.remove(["p2"])
    assert (~np.fromfile(gallery.folder / VECTORS, "<f4").reshape(-1, 16).any(axis=1)).sum() == 3


def test_several_writers(gallery):
    names, rows = people(40)

    def write(start):
        StoredGallery(gallery.folder).enrol(names[start::4], rows[start::4])

    threads = [threading.Thread(target=write, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gallery) == 40
    assert [found[0][0] for found in gallery.search(rows, 1)] == names


def test_bad_input(gallery, tmp_path):
    names, rows = people(3)
    with pytest.raises(ShapeError, match=r"got 2 names and embeddings of shape \(3, 16\)"):
        gallery.enrol(names[:2], rows)
    with pytest.raises(ShapeError, match="embeddings of 16 values"):
        gallery.enrol(names, rows[:, :8])
    with pytest.raises(NumericalError):
        gallery.enrol(names, rows * np.nan)
    with pytest.raises(DataError, match="embedding size 16, the queries have shape"):
        gallery.search(rows[:, :8])
    with pytest.raises(ConfigError, match="is not an empty folder"):
        StoredGallery.create(gallery.folder, 16)
    with pytest.raises(DataError, match="is not a gallery; to make one: facezoo gallery create"):
        StoredGallery(tmp_path)
    with pytest.raises(DataError, match="made with weights_sha256 aaaa"):
        gallery.check_model(ModelRecord("b" * 64, "sum", "arcface112"))
    gallery.enrol(names, rows)
    (gallery.folder / VECTORS).write_bytes(b"\0" * 64)
    with pytest.raises(DataError, match="has 64 bytes; expected 192, 3 rows of 16 float32 values"):
        gallery.search(rows)
    (gallery.folder / "gallery.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(DataError, match="is damaged or cannot be opened"):
        StoredGallery(gallery.folder)


def test_another_format_is_refused(gallery):
    with sqlite3.connect(gallery.folder / "gallery.sqlite") as database:
        database.execute("UPDATE facts SET value = 2 WHERE name = 'format'")
    with pytest.raises(DataError, match="has format 2; this facezoo reads 1"):
        StoredGallery(gallery.folder)


def clusters(count, size=32):
    names, rows = people(count, size, seed=3)
    noise = np.random.default_rng(4).standard_normal((200, size))
    return names, rows, unit(rows[:200] + 0.05 * noise)


def test_the_index_finds_what_the_exact_search_finds(tmp_path):
    pytest.importorskip("faiss")
    gallery = StoredGallery.create(tmp_path / "g", 32)
    names, rows, queries = clusters(3000)
    gallery.enrol(names[:2900], rows[:2900])
    assert gallery.build_index() == 2900
    gallery.enrol(names[2900:], rows[2900:])  # after the index: searched exactly
    exact, found = gallery.search(queries, 5, exact=True), gallery.search(queries, 5)
    pairs = [([name for name, _ in one], [name for name, _ in other]) for one, other in zip(exact, found, strict=True)]
    assert np.mean([one[0] == other[0] for one, other in pairs]) >= 0.99
    assert np.mean([len(set(one) & set(other)) / 5 for one, other in pairs]) > 0.95
    assert gallery.search(rows[2950:2951], 1)[0][0][0] == "p2950"
    gallery.remove(["p7"])
    assert gallery.search(rows[7:8], 1)[0][0][0] == gallery.search(rows[7:8], 1, exact=True)[0][0][0] != "p7"
    index = vector_index.VectorIndex(gallery.folder / INDEX)
    vectors = np.fromfile(gallery.folder / VECTORS, "<f4").reshape(-1, 32)
    assert all(vectors[row].any() for row in index.candidates(rows[7:8], 50)[0])
    gallery.enrol(["p8"], rows[9:10])  # moves to a new row
    assert "p8" in [name for name, _ in gallery.search(rows[8:9], 2)[0]]
    assert gallery.build_index() == 2999
    (gallery.folder / INDEX).write_bytes(b"no index")
    with pytest.raises(DataError, match="make it again: facezoo gallery index"):
        StoredGallery(gallery.folder).search(queries)


def test_without_faiss(gallery, monkeypatch):
    names, rows = people(1200)
    gallery.enrol(names, rows)
    with sqlite3.connect(gallery.folder / "gallery.sqlite") as database:
        database.execute("UPDATE facts SET value = 1200 WHERE name = 'indexed'")
    (gallery.folder / INDEX).write_bytes(b"of another machine")
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.setattr(vector_index, "available", lambda: False)
    assert gallery.search(rows[:1], 1)[0][0][0] == "p0"
    gallery.remove(["p0"])
    assert not (gallery.folder / INDEX).exists()
    assert gallery.facts().indexed == 0
    with pytest.raises(ConfigError, match=r"pip install 'facezoo\[search\]'"):
        gallery.build_index()


def test_an_index_of_few_persons_is_refused(gallery):
    pytest.importorskip("faiss")
    gallery.enrol(*people(20))
    with pytest.raises(ConfigError, match="the gallery has 20 persons; an index needs 1000"):
        gallery.build_index()
