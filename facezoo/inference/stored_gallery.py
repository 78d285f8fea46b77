"""A gallery on disk that persons are added to and removed from without writing it again.

The folder holds ``gallery.sqlite`` (names, and which row is whose), ``vectors.f32`` (one unit embedding per row,
float32, little-endian) and, on request, ``vectors.index``. Rows are only appended: a person who gets another photo gets
a new row. Rows of persons who were removed are overwritten with zeros. A call that is interrupted leaves the previous
state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.errors import ConfigError, DataError, ShapeError, UnknownNameError
from facezoo.inference import gallery_database as database
from facezoo.inference import vector_index
from facezoo.inference.embeddings import check_embeddings, normalise
from facezoo.inference.gallery import ModelRecord, check_same_model
from facezoo.inference.vectors import append_rows, best_rows, erase_rows, map_rows

FORMAT = 1
DATABASE, VECTORS, INDEX = "gallery.sqlite", "vectors.f32", "vectors.index"
PIECE = 1 << 15  # persons enrolled at once
MORE = 4  # candidates that the index gives per wanted row, and at least MORE_AT_LEAST; their scores are then exact
MORE_AT_LEAST = 50


@dataclass(frozen=True)
class GalleryFacts:
    """What a gallery holds.

    Attributes:
        persons: number of persons.
        photos: number of photos that were enrolled.
        size: values of an embedding.
        rows: rows of the file, those of removed persons included.
        indexed: rows that the index covers; 0 without an index. Later ones are searched exactly.
        model: what made the embeddings; None if it is not known.
    """

    persons: int
    photos: int
    size: int
    rows: int
    indexed: int
    model: ModelRecord | None


class StoredGallery:
    """A gallery folder; each person is one unit embedding, the mean of those of the photos, normalised.

    Several processes may use one gallery: writers wait for one another.

    Args:
        folder: of :meth:`create`.

    Raises:
        DataError: it is not a gallery, or is damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not is_gallery(self.folder):
            raise DataError(f"{self.folder} is not a gallery; to make one: facezoo gallery create {self.folder}")
        with database.reading(self.folder / DATABASE) as stored:
            facts = database.facts(stored)
        if facts.get("format") != FORMAT:
            raise DataError(f"{self.folder} has format {facts.get('format')!r}; this facezoo reads {FORMAT}")
        self.size = int(facts["size"])
        names = [field.name for field in fields(ModelRecord)]
        known = all(facts.get(f"model_{name}") for name in names)
        self.model = ModelRecord(**{name: str(facts[f"model_{name}"]) for name in names}) if known else None
        self._index: tuple[int, vector_index.VectorIndex] | None = None

    @classmethod
    def create(cls, folder: str | Path, size: int, model: ModelRecord | None = None) -> StoredGallery:
        """A new, empty gallery.

        Args:
            folder: a new or empty folder.
            size: values of an embedding.
            model: what makes the embeddings; others are then refused.

        Raises:
            ConfigError: the folder holds something.
        """
        place = Path(folder)
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise ConfigError(f"{place} exists and is not an empty folder; expected the name of a new gallery")
        place.mkdir(parents=True, exist_ok=True)
        facts = {"format": FORMAT, "size": size, "rows": 0, "indexed": 0}
        facts |= {f"model_{name}": value for name, value in (asdict(model) if model else {}).items()}
        database.create(place / DATABASE, facts)
        return cls(place)

    def __len__(self) -> int:
        with database.reading(self.folder / DATABASE) as stored:
            return int(stored.execute("SELECT COUNT(*) FROM persons").fetchone()[0])

    def facts(self) -> GalleryFacts:
        """Numbers of persons, photos and rows, and the model."""
        with database.reading(self.folder / DATABASE) as stored:
            persons, photos = stored.execute("SELECT COUNT(*), COALESCE(SUM(photos), 0) FROM persons").fetchone()
            found = database.facts(stored)
        return GalleryFacts(persons, photos, self.size, int(found["rows"]), int(found["indexed"]), self.model)

    def names(self) -> list[str]:
        """The names of all persons, sorted."""
        with database.reading(self.folder / DATABASE) as stored:
            return [name for (name,) in stored.execute("SELECT name FROM persons ORDER BY name")]

    def check_model(self, now: ModelRecord) -> str | None:
        """As :meth:`facezoo.inference.gallery.Gallery.check_model`."""
        return check_same_model(self.model, now)

    def enrol(self, names: Sequence[str], embeddings: np.ndarray) -> tuple[int, int]:
        """Add embeddings; a person who is enrolled gets the mean of all his or her photos.

        Args:
            names: of the persons (N,), in any order; a name may occur several times.
            embeddings: (N, E), one per photo; their lengths do not count.

        Returns:
            number of new persons, and of persons who were enrolled before.

        Raises:
            ShapeError: not one name per embedding, or embeddings of another size.
            NumericalError: an embedding holds NaN or infinity, or is all zeros.
        """
        rows = check_embeddings(embeddings)
        if len(names) != len(rows) or rows.shape[1] != self.size:
            raise ShapeError(
                f"got {len(names)} names and embeddings of shape {rows.shape}; expected one name per embedding, and "
                f"embeddings of {self.size} values"
            )
        given, owner = np.unique(np.asarray(names, str), return_inverse=True)
        order = np.argsort(owner, kind="stable")  # the photos of a person follow one another
        firsts = np.searchsorted(owner[order], np.arange(len(given)))
        replaced: list[int] = []
        with database.writing(self.folder / DATABASE) as stored:
            for start in range(0, len(given), PIECE):
                stop = min(start + PIECE, len(given))
                taken = order[firsts[start] : firsts[stop] if stop < len(given) else None]
                sums = np.zeros((stop - start, self.size))
                np.add.at(sums, owner[taken] - start, normalise(rows[taken]))
                photos = np.bincount(owner[taken] - start)
                replaced += self._add(stored, given[start:stop].tolist(), sums, photos.tolist())
        if replaced:
            self._erase()
        return len(given) - len(replaced), len(replaced)

    def _add(self, stored: Any, names: list[str], sums: np.ndarray, photos: list[int]) -> list[int]:
        """Write one row per person: the sum (E,) of the unit embeddings, normalised. Returns rows that they replace."""
        count = int(database.facts(stored)["rows"])
        rows = map_rows(self.folder / VECTORS, count, self.size)
        people: list[tuple[int, str, int, float]] = []
        replaced: list[int] = []
        for place, name in enumerate(names):
            before = database.person(stored, name)
            if before is not None:
                sums[place] += rows[before.row].astype(np.float64) * before.length
                photos[place] += before.photos
                replaced.append(before.row)
            people.append((count + place, name, photos[place], float(np.linalg.norm(sums[place]))))
        lengths = np.array([length for *_, length in people])[:, None]
        append_rows(self.folder / VECTORS, count, (sums / lengths.clip(1e-12)).astype(np.float32))
        database.forget(stored, replaced)
        stored.executemany("INSERT INTO persons VALUES (?, ?, ?, ?)", people)
        database.set_fact(stored, "rows", count + len(people))
        return replaced

    def remove(self, names: Iterable[str]) -> int:
        """Remove persons; their embeddings are overwritten, also in the index. Returns their number.

        Raises:
            UnknownNameError: a name is not in the gallery; then nobody is removed.
        """
        with database.writing(self.folder / DATABASE) as stored:
            rows = []
            for name in dict.fromkeys(names):
                found = database.person(stored, name)
                if found is None:
                    some = [known for (known,) in stored.execute("SELECT name FROM persons LIMIT 10000")]
                    raise UnknownNameError("person in the gallery", name, some)
                rows.append(found.row)
            database.forget(stored, rows)
            indexed = int(database.facts(stored)["indexed"])
            covered = [row for row in rows if row < indexed]
            if covered and not vector_index.available():  # it cannot be changed without faiss, so it is deleted
                database.set_fact(stored, "indexed", 0)
        self._erase()
        if covered and vector_index.available():
            vector_index.remove_from_index(self.folder / INDEX, covered)
        elif covered:
            (self.folder / INDEX).unlink(missing_ok=True)
        self._index = None
        return len(rows)

    def search(self, queries: np.ndarray, top: int = 5, *, exact: bool = False) -> list[list[tuple[str, float]]]:
        """The persons most similar to each query, with their cosine similarity, the most similar first.

        Args:
            queries: (Q, E) float32 of length 1.
            top: 1 or more.
            exact: compare with every row, also where an index would find candidates. Without faiss every search
                is exact.

        Raises:
            DataError: the queries have another size than the gallery.
        """
        if queries.ndim != 2 or queries.shape[1] != self.size:
            raise DataError(
                f"the gallery has embedding size {self.size}, the queries have shape {queries.shape}; use the weight "
                "file that made the gallery"
            )
        with database.reading(self.folder / DATABASE) as stored:
            facts = database.facts(stored)
            rows = map_rows(self.folder / VECTORS, int(facts["rows"]), self.size)
            without = np.array([row for (row,) in stored.execute("SELECT row FROM removed ORDER BY row")], np.int64)
            indexed = 0 if exact or not vector_index.available() else int(facts["indexed"])
            found, scores = best_rows(rows, queries, top, without=without, start=indexed)
            more = self._candidates(queries, top, indexed) if indexed else [np.zeros(0, np.int64)] * len(queries)
            answers = []
            for query, tail, tail_scores, candidates in zip(queries, found, scores, more, strict=True):
                kept = candidates[~np.isin(candidates, without)]
                numbers = np.concatenate([kept, tail])
                values = np.concatenate([rows[kept] @ query, tail_scores])
                order = np.lexsort((numbers, -values))[:top]
                answers.append([(database.name_of(stored, int(numbers[at])), float(values[at])) for at in order])
        return answers

    def build_index(self, *, seed: int = 0) -> int:
        """Write the index of all rows; persons who are enrolled later are searched exactly. Returns their number.

        Raises:
            ConfigError: faiss is not installed, or there are too few persons.
        """
        with database.writing(self.folder / DATABASE) as stored:
            count = int(database.facts(stored)["rows"])
            keys = np.array([row for (row,) in stored.execute("SELECT row FROM persons ORDER BY row")], np.int64)
            rows = map_rows(self.folder / VECTORS, count, self.size)
            vector_index.build_index(self.folder / INDEX, rows, keys, seed=seed)
            database.set_fact(stored, "indexed", count)
        self._index = None
        return len(keys)

    def _erase(self) -> None:
        """Overwrite the embeddings of removed rows, also those that an interrupted call left."""
        with database.writing(self.folder / DATABASE) as stored:
            erase_rows(self.folder / VECTORS, self.size, database.not_erased(stored))
            database.set_erased(stored)

    def _candidates(self, queries: np.ndarray, top: int, indexed: int) -> list[np.ndarray]:
        if self._index is None or self._index[0] != indexed:
            self._index = (indexed, vector_index.VectorIndex(self.folder / INDEX))
        found = self._index[1].candidates(queries, max(MORE * top, MORE_AT_LEAST))
        return [numbers[numbers >= 0] for numbers in found]


def is_gallery(folder: str | Path) -> bool:
    """Whether a folder is a gallery of :meth:`StoredGallery.create`."""
    return (Path(folder) / DATABASE).is_file()
