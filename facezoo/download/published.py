"""A published file in the indexes; an unknown fact is "unknown", never a guess."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from facezoo.download.remote import RemoteFile

Unknown = Literal["unknown"]
Count = Annotated[int, Field(ge=1)] | Unknown
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | Unknown
Md5 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | Unknown
Url = Annotated[str, StringConstraints(pattern=r"^(https?|hf)://[^\s]+$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Strict(BaseModel):
    """A model without unknown keys, and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class IndexedFile(Strict):
    """One published file.

    Attributes:
        name: its name on disk.
        holds: its content, in words.
        urls: direct addresses in order of preference; empty if there is none.
        page: the page to download it from with a browser, for files without a direct address.
        size: bytes.
        sha256: as published, or as recorded by others; ``hash_from`` states which.
        md5: the same for MD5.
        hash_from: the source of the hashes.
        optional: of a data set, downloaded only on request; of weights, if it can be had.
    """

    name: Text
    holds: Text
    urls: tuple[Url, ...] = ()
    page: Url | Unknown = "unknown"
    size: Count = "unknown"
    sha256: Sha256 = "unknown"
    md5: Md5 = "unknown"
    hash_from: str = ""
    optional: bool = False

    @model_validator(mode="after")
    def _remote_is_valid(self) -> IndexedFile:
        self.remote()
        return self

    def remote(self) -> RemoteFile:
        """The file in the form that the downloader takes."""
        return RemoteFile(
            name=self.name,
            urls=self.urls,
            size=None if self.size == "unknown" else self.size,
            sha256=None if self.sha256 == "unknown" else self.sha256,
            md5=None if self.md5 == "unknown" else self.md5,
        )
