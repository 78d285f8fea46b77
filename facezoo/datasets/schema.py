"""What the index of data sets says about each; an unknown fact is the word ``unknown``, never a guess."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from facezoo.download.published import Count, IndexedFile, Strict, Text, Unknown, Url

PURPOSES = ("training", "verification", "identification", "templates", "age", "spectra", "spoofing", "masks")
Purpose = Literal["training", "verification", "identification", "templates", "age", "spectra", "spoofing", "masks"]


class DataSet(Strict):
    """One data set.

    Attributes:
        name: what the commands call it.
        title: its full name.
        purpose: what it is for.
        identities: people.
        images: still images; about, where ``figures`` says so.
        videos: clips.
        figures: where the numbers come from.
        home: the authors' page.
        terms: what the authors ask, as shown before a download.
        obtained: "direct": a link without a form; "form": an agreement; "gone": no longer given out.
        how: what to do by hand.
        files: the published files.
        layout: what is in the archives.
        importer: what ``facezoo datasets import`` does with them.
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
    importer: Literal["lfw", "celeba", "insightface", "ijb", "folder", "none"]
    paper: Text

    @field_validator("files")
    @classmethod
    def _names_differ(cls, files: tuple[IndexedFile, ...]) -> tuple[IndexedFile, ...]:
        names = [file.name for file in files]
        if len(set(names)) != len(names):
            raise ValueError(f"two files of one name in {names}")
        return files

    @model_validator(mode="after")
    def _direct_has_an_address(self) -> DataSet:
        reachable = any(file.urls or file.page != "unknown" for file in self.files)
        if self.obtained == "direct" and not reachable:
            raise ValueError(f"{self.name} is 'direct' but no file has an address")
        return self


def plain_name(name: str) -> str:
    """The form of a name that is compared: small letters, figures and dashes.

    >>> plain_name("CASIA-WebFace"), plain_name("cfp_fp")
    ('casia-webface', 'cfp-fp')
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
