"""A file that others published, and what its bytes must be."""

from typing import Annotated

from pydantic import AfterValidator, Field

from frcn.config.strict import Positive, Strict


class PublishedFile(Strict):
    """One file: the addresses of its mirrors, best first, and what its bytes must be.

    ``size`` is in bytes; ``md5`` and ``sha256`` are hexadecimal. What is given is checked before
    the file is used.
    """

    urls: Annotated[list[str], Field(min_length=1)]
    size: Positive | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @property
    def name(self) -> str:
        """The file's name, by which a local copy is known."""
        return self.urls[0].rsplit("/", 1)[-1]

    @property
    def is_pinned(self) -> bool:
        """Whether a checksum of the whole file is known."""
        return (self.md5 or self.sha256) is not None


def _pinned(file: PublishedFile) -> PublishedFile:
    if not file.is_pinned:
        raise ValueError("give its `md5` or `sha256`")
    return file


PinnedFile = Annotated[PublishedFile, AfterValidator(_pinned)]
