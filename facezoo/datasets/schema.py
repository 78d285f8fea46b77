"""Schema of an entry in the index of data sets; an unknown fact is "unknown", never a guess."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from facezoo.download.published import Count, IndexedFile, Strict, Text, Unknown, Url

PURPOSES = ("training", "verification", "identification", "templates", "age", "spectra", "spoofing", "masks")
Purpose = Literal["training", "verification", "identification", "templates", "age", "spectra", "spoofing", "masks"]

Importer = Literal[
    "lfw", "celeba", "insightface", "ijb", "bcolz", "folder", "calfw", "cfp", "rfw", "tinyface", "ytf", "none"
]


class DataSet(Strict):
    """One data set.

    Attributes:
        name: the name used in commands.
        title: its full name.
        purpose: its uses.
        identities: number of people.
        images: number of still images; approximate where ``figures`` states so.
        videos: number of video clips.
        figures: the source of the numbers.
        home: the authors' page.
        terms: terms of use, shown before a download.
        obtained: "direct": a link without a form; "form": an agreement; "gone": no longer distributed.
        how: the steps to get it.
        files: the published files.
        layout: the content of the archives.
        importer: the importer of ``facezoo datasets import``.
        paper: the citation.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: Text
    purpose: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    identities: Count
    images: Count
    videos: Count | None = None
    figures: Text
    home: Url | Unknown
    terms: Text
    obtained: Literal["direct", "form", "gone", "unknown"]
    how: Text
    files: tuple[IndexedFile, ...] = ()
    layout: Text
    importer: Literal[
        "lfw", "celeba", "insightface", "ijb", "bcolz", "folder", "calfw", "cfp", "rfw", "tinyface", "ytf", "none"
    ]
    paper: Text

    @field_validator("files")
    @classmethod
    def _names_differ(cls, files: tuple[IndexedFile, ...]) -> tuple[IndexedFile, ...]:
        names = [file.name for file in files]
        if len(set(names)) != len(names):
            raise ValueError(f"two files have the same name: {names}")
        return files

    @model_validator(mode="after")
    def _direct_has_an_address(self) -> DataSet:
        reachable = any(file.urls or file.page != "unknown" for file in self.files)
        if self.obtained == "direct" and not reachable:
            raise ValueError(f"{self.name} is 'direct' but no file has an address")
        return self


def plain_name(name: str) -> str:
    """A name in the form that is compared: lower-case letters, digits and dashes.

    >>> plain_name("CASIA-WebFace"), plain_name("cfp_fp")
    ('casia-webface', 'cfp-fp')
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
