"""``facezoo gallery index``."""

from __future__ import annotations

from facezoo.cli import options


def command(gallery: options.GalleryFolder, as_json: options.AsJson = False) -> None:
    """Make the index of a large gallery, for fast searches.

    It finds candidates whose similarities are then computed exactly; rarely it misses one. Persons who are added later
    are searched exactly, until the index is made again. `facezoo identify --exact` does not use it.
    """
    from facezoo.cli.show import print_json, say
    from facezoo.inference.stored_gallery import StoredGallery

    indexed = StoredGallery(gallery).build_index()
    if as_json:
        print_json({"gallery": str(gallery), "indexed": indexed})
        return
    say(f"{gallery}: index of {indexed:,} persons")
