"""Section ``data``: the classes, the splits, and where pictures and annotations come from."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from frcn.config.published_file import PublishedFile
from frcn.config.strict import Name, Positive, Strict

GROUPS = ("all", "small", "medium", "large", "mAP")
"""Rows beside those of classes in the tables of recall and of AP."""


class Shapes(Strict):
    """The generated data set (``frcn.data.shapes``): images per split and the seed."""

    kind: Literal["shapes"]
    seed: int = 0
    images: dict[Name, Positive]


class Folder(Strict):
    """A VOC-layout folder of the user's own; ``path`` may come from an environment variable."""

    kind: Literal["folder"]
    path: str


class Archive(Strict):
    """Public archives in VOC layout, each checked as a whole or all by a list of file checksums.

    ``folder_env`` names an environment variable that, when set, gives a local copy instead.
    ``checksums`` is a text file of ``sha256  path`` lines, relative to the repository root.
    ``trees``: where the archives hold a devkit of several trees (``VOC2007``, ``VOC2012``), the
    image sets that are taken from each and their names in the one tree that becomes of them.
    ``images``: how many each split has, for plans before the download.
    """

    kind: Literal["archive"]
    archives: Annotated[list[PublishedFile], Field(min_length=1)]
    checksums: str | None = None
    trees: dict[Name, dict[Name, Name]] | None = None
    folder_env: Name
    images: dict[Name, Positive] | None = None

    @model_validator(mode="after")
    def _checked(self) -> "Archive":
        if self.checksums is None and not all(archive.is_pinned for archive in self.archives):
            raise ValueError("give `checksums` of the files, or `md5` or `sha256` of each archive")
        return self

    @model_validator(mode="after")
    def _named_once(self) -> "Archive":
        repeated = [name for name, count in Counter(self.image_sets or []).items() if count > 1]
        if repeated:
            raise ValueError(f"trees: two image sets are to be called {repeated[0]!r}")
        return self

    @property
    def image_sets(self) -> list[str] | None:
        """The image sets that ``trees`` gives; None where there is one tree, with its own."""
        if self.trees is None:
            return None
        return [name for sets in self.trees.values() for name in sets.values()]


class Data(Strict):
    """What to detect in which images.

    ``splits`` maps a split's name to the name of its image set (``ImageSets/Main/<set>.txt``)
    under ``root``, a VOC devkit tree. ``classes`` leaves the background out.
    """

    root: str
    source: Annotated[Shapes | Folder | Archive, Field(discriminator="kind")]
    classes: Annotated[list[str], Field(min_length=1)]
    splits: dict[Name, str]
    on_invalid: Literal["stop", "skip"] = "stop"

    @field_validator("classes")
    @classmethod
    def _not_reserved(cls, classes: list[str]) -> list[str]:
        for name in classes:
            if name in GROUPS:
                raise ValueError(f"a class can't be called {name!r}, as a row of the tables is")
        return classes

    @model_validator(mode="after")
    def _image_sets(self) -> "Data":
        given = self.source.image_sets if isinstance(self.source, Archive) else None
        missing = sorted(set(self.splits.values()) - set(given)) if given is not None else []
        if missing:
            raise ValueError(f"splits: source.trees gives no image set {missing[0]!r}")
        return self
