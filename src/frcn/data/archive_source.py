"""From public archives, downloaded or at hand, to one VOC tree whose content is proven."""

from pathlib import Path

from frcn import config
from frcn.artefacts import sha256_file
from frcn.data.devkit import find_tree, find_trees, merge_trees
from frcn.data.disk import require_space
from frcn.data.download import DOWNLOADS, bytes_missing, download
from frcn.data.file_check import fault
from frcn.data.unpack import unpack
from frcn.errors import UserError

MOST_NAMED = 20
# Beside the archive: its content, unpacked, and the profile's tree. JPEGs don't shrink when packed.
COPIES = 2


def downloaded_tree(data: config.Data, repo: Path, scratch: Path) -> Path:
    """The tree of a profile whose ``data.source`` is an archive, unpacked below ``scratch``.

    Raises:
        UserError: no mirror has what is wanted, the disk is too small, or the content differs.
    """
    source, downloads = data.source, repo / DOWNLOADS
    for folder in (downloads, scratch):
        folder.mkdir(parents=True, exist_ok=True)
    require_space(
        {
            downloads: sum(bytes_missing(archive, downloads) for archive in source.archives),
            scratch: COPIES * sum(archive.size or 0 for archive in source.archives),
        }
    )
    try:
        files = [download(archive, downloads) for archive in source.archives]
    except UserError as error:
        raise UserError(
            f"{error}\nTwo ways out: run again with a connection (what has arrived is kept), or "
            f"set {source.folder_env} to a folder with a copy of the data in VOC layout, or with "
            "the archives."
        ) from None
    try:
        return _unpacked_tree(data, files, repo, scratch)
    except UserError as error:
        archives = zip(files, source.archives, strict=True)
        unproven = [file for file, archive in archives if not archive.is_pinned]
        if not unproven:
            raise
        for file in unproven:
            file.unlink()
        raise UserError(
            f"{error}\nRemoved: {', '.join(map(str, unproven))}. Run again to download anew, or set"
            f" {source.folder_env} to a folder with a good copy."
        ) from None


def local_tree(data: config.Data, folder: Path, repo: Path, scratch: Path) -> Path:
    """The tree of an archive source from the user's ``folder``: all its archives, or unpacked.

    Raises:
        UserError: the folder has neither, or an archive or the content differs.
    """
    archives = data.source.archives
    files = [folder / archive.name for archive in archives]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        try:
            tree = _found_tree(data, folder, scratch)
        except UserError as error:
            raise UserError(
                f"{error}\nOr give a folder with the archives: {folder} has no "
                f"{', '.join(missing)}."
            ) from None
        return _proven(data.source, tree, repo)
    faults = [
        f"{file}: {found}. Replace it by a good copy."
        for file, archive in zip(files, archives, strict=True)
        if (found := fault(file, archive))
    ]
    if faults:
        raise UserError("\n".join(faults))
    return _unpacked_tree(data, files, repo, scratch)


def _unpacked_tree(data: config.Data, files: list[Path], repo: Path, scratch: Path) -> Path:
    for file in files:
        unpack(file, scratch / "unpacked")
    return _proven(data.source, _found_tree(data, scratch / "unpacked", scratch), repo)


def _found_tree(data: config.Data, folder: Path, scratch: Path) -> Path:
    wanted = data.source.trees
    if wanted is None:
        return find_tree(folder)
    merged = scratch / "merged"
    merge_trees(find_trees(folder, wanted), wanted, data.classes, merged)
    return merged


def _proven(source: config.Archive, tree: Path, repo: Path) -> Path:
    if source.checksums:
        verify(tree, repo / source.checksums)
    return tree


def verify(tree: Path, checksums: Path) -> None:
    """Prove that every file of a list of ``sha256  path`` lines is in ``tree`` as it should be.

    Raises:
        UserError: naming the files that are missing or differ.
    """
    if not checksums.exists():
        raise UserError(f"{checksums}: not found, wanted lines of sha256 and path. Restore it.")
    lines = [line for line in checksums.read_text().splitlines() if line.strip()]
    wrong = []
    for line in lines:
        expected, name = line.split(maxsplit=1)
        if not (tree / name).is_file():
            wrong.append(f"  {name}: not found")
        elif (found := sha256_file(tree / name)) != expected:
            wrong.append(f"  {name}: found sha256 {found[:16]}…, wanted {expected[:16]}…")
    if wrong:
        more = [f"  … and {len(wrong) - MOST_NAMED} more"] if len(wrong) > MOST_NAMED else []
        raise UserError(
            "\n".join(
                [
                    f"{tree}: {len(wrong)} of {len(lines)} files are not those of {checksums}",
                    *wrong[:MOST_NAMED],
                    *more,
                ]
            )
        )
