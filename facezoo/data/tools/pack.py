"""Converting a data set to another layout."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from facezoo.bulk import Engine
from facezoo.data.loading.bad_images import MAX_BAD_SHARE, BadImageFile, BadImages
from facezoo.data.sources.filters import drop_small
from facezoo.data.sources.open_random_access import PairImages, open_random_access
from facezoo.data.sources.shard_index import ShardImages
from facezoo.data.sources.source import Source
from facezoo.data.sources.verification_bin import write_verification_bin
from facezoo.data.tools.decode import decode_all
from facezoo.data.tools.draw_pairs import draw_pairs
from facezoo.data.tools.writers import readable, suffix_of, write_folder, write_recordio, write_shards
from facezoo.errors import ConfigError, DataError, ImageError, UnknownNameError
from facezoo.io.progress import OnProgress, ignore_progress, part_of

FORMATS = ("folder", "rec", "shards", "bin")


@dataclass(frozen=True)
class Packed:
    """The result of :func:`pack`.

    Attributes:
        out: the file or folder.
        format: one of FORMATS.
        images: number of images it holds.
        identities: number of identities of these images.
        broken: number of images left out because they cannot be decoded.
        broken_list: the file that lists them, or None.
    """

    out: str
    format: str
    images: int
    identities: int
    broken: int
    broken_list: str | None


def pack(
    path: str | Path,
    out: str | Path,
    format: str,
    *,
    min_images: int = 1,
    per_shard: int = 4096,
    pairs: int = 6000,
    identity_headers: bool = True,
    seed: int = 0,
    max_broken: float = MAX_BAD_SHARE,
    workers: int | None = 1,
    engine: str | Engine = "local",
    on_progress: OnProgress = ignore_progress,
) -> Packed:
    """Write a data set in another layout; stored JPEG and PNG bytes are copied unchanged.

    Args:
        path: anything :func:`open_source` opens.
        out: the file or folder to write; must not exist.
        format: "folder", "rec", "shards" or "bin"; a ``.bin`` gets pairs drawn from the identities.
        min_images: leave out identities with fewer images.
        per_shard: images per tar shard.
        pairs: largest number of pairs in a ``.bin``.
        identity_headers: write header records into a ``.rec``, as in InsightFace's packs.
        seed: of the order in shards and of the pairs.
        max_broken: largest share of unreadable images, which are left out and listed in ``OUT.broken.txt``.
        workers: processes that decode the images, 1 or more; None: one per core. This process writes. The result does
            not depend on it.
        engine: "local", "ray" or an :class:`facezoo.bulk.Engine`; with Ray on several machines, all of them read
            ``path``. Finished parts of the decoding are in ``OUT.parts`` until the end, and a call that was killed
            continues there. A ``.bin`` has few images and is written by this process alone.
        on_progress: called after each image with the number of images done, and of all.

    Raises:
        UnknownNameError: ``format`` is not in FORMATS.
        ConfigError: ``out`` exists.
        DataError: the source cannot be opened, or too many images are broken; ``out`` is not written.
    """
    out, engine = Path(out), Engine.of(engine, workers)
    if format not in FORMATS:
        raise UnknownNameError("format", format, FORMATS)
    if out.exists() or out.is_symlink():
        raise ConfigError(f"{out} exists; expected a path that does not exist")
    source = open_random_access(path)
    if isinstance(source, PairImages):
        raise DataError(f"{path}: a verification .bin names no identities and cannot be converted")
    listed = out.with_name(f"{out.name}.broken.txt")
    listed.unlink(missing_ok=True)  # of an earlier attempt
    bad = BadImages(len(source), max_broken, BadImageFile(listed))
    if isinstance(source, ShardImages):
        for key, reason in source.broken:
            bad.add(key, reason)
    source = drop_small(source, min_images)
    parts = out.with_name(f"{out.name}.parts")
    decoded = None
    if format != "bin" and engine != Engine(workers=1):
        decoding = part_of(on_progress, 0, None, "decoding")
        decoded = decode_all(source, path, engine, parts, decoding)

    def broken(key: str, error: ImageError) -> None:
        bad.add(key, str(error))

    if format == "folder":
        images = write_folder(source, out, broken=broken, on_progress=on_progress, decoded=decoded)
    elif format == "rec":
        images = write_recordio(
            source, out, identity_headers=identity_headers, broken=broken, on_progress=on_progress, decoded=decoded
        )
    elif format == "shards":
        images = write_shards(
            source, out, per_shard=per_shard, seed=seed, broken=broken, on_progress=on_progress, decoded=decoded
        )
    else:
        images = _write_pairs(source, out, pairs, seed, bad, on_progress)
    shutil.rmtree(parts, ignore_errors=True)
    return Packed(str(out), format, images, source.num_classes, len(bad), str(listed) if len(bad) else None)


def _write_pairs(source: Source, out: Path, pairs: int, seed: int, bad: BadImages, on_progress: OnProgress) -> int:
    """Draw pairs and write them; a pair with a broken image is left out."""
    chosen, same = draw_pairs(source.labels, pairs, seed=seed)
    images: list[bytes] = []
    flags: list[bool] = []
    for at, (pair, flag) in enumerate(zip(chosen, same.tolist(), strict=True)):
        images_of_pairs = part_of(on_progress, 2 * at, 2 * len(same), "")
        found = list(readable(source, pair, lambda key, error: bad.add(key, str(error)), images_of_pairs))
        if len(found) == 2:
            images += [image.data if suffix_of(image.data) in (".jpg", ".png") else image.png() for image in found]
            flags.append(flag)
    if not flags:
        raise DataError(f"none of the {len(same)} pairs can be read; nothing was written")
    write_verification_bin(out, images, flags)
    return len(images)
