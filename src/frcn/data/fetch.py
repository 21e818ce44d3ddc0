"""From a source of data to a checked VOC devkit tree with a manifest.

The tree is built beside its place and moved there when it is whole, so that an interrupted
fetch leaves the old tree or none. It holds the files of the used splits and no others.
"""

import os
import re
import shutil
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frcn import config
from frcn.artefacts import sha256_file, write_bytes, write_json, write_text
from frcn.data.checks import Problem, check_tree, report
from frcn.data.download import download
from frcn.data.unpack import unpack
from frcn.data.voc import (
    VOCDataset,
    annotation_path,
    image_path,
    image_set_path,
    read_image_set,
)
from frcn.data.voc_xml import read_tree
from frcn.errors import UserError
from frcn.progress import progress

DOWNLOADS = Path("artefacts/cache/downloads")
TREE_PARTS = ("Annotations", "ImageSets/Main", "JPEGImages")
TREE_DEPTH = 2
MOST_NAMED = 20


def fetch(profile: config.Profile, repo: Path, out: Path, workers: int = 1) -> dict:
    """Make the tree of ``profile`` at ``out`` and return its manifest.

    ``repo`` is what relative paths of the config refer to, and where downloads are kept.

    Raises:
        UserError: the source can't be had or does not match its checksums, or its data have
            problems: all of them with ``on_invalid: stop``, else those that can't be dropped.
    """
    out = Path(out)
    data = profile.data
    building = out.with_name(f".{out.name}.partial")
    shutil.rmtree(building, ignore_errors=True)
    try:
        with _source_tree(data, Path(repo), building / "source", workers) as source:
            problems = _checked(data, source, workers)
            skipped = _copy(data, source, building / "tree", problems)
        manifest = _manifest(profile, building / "tree", skipped)
        write_json(building / "tree" / "manifest.json", manifest)
        shutil.rmtree(out, ignore_errors=True)
        (building / "tree").rename(out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return manifest


@contextmanager
def _source_tree(data: config.Data, repo: Path, scratch: Path, workers: int) -> Iterator[Path]:
    source = data.source
    if isinstance(source, config.Shapes):
        from frcn.data import shapes  # noqa: PLC0415 -- only this profile pays for its import

        shapes.generate(scratch, source.images, source.seed, workers)
        yield scratch
    elif isinstance(source, config.Folder):
        yield find_tree(_folder(source.path, repo))
    elif local := os.environ.get(source.folder_env):
        tree = find_tree(_folder(local, repo))
        verify(tree, repo / source.checksums)
        yield tree
    else:
        yield _archive_tree(source, repo, scratch)


def _folder(path: str, repo: Path) -> Path:
    expanded = os.path.expandvars(path)
    if unset := re.findall(r"\$\{?(\w+)\}?", expanded):
        raise UserError(
            f"data.source.path: {path!r} needs the environment variable {unset[0]}, which is not "
            f"set. Set it to the folder: export {unset[0]}=..."
        )
    folder = repo / Path(expanded).expanduser()
    if not folder.is_dir():
        raise UserError(f"{folder}: not found, wanted a folder in VOC layout. Mend its path.")
    return folder


def find_tree(folder: Path) -> Path:
    """The VOC tree that is ``folder`` or lies up to two directories below it.

    Raises:
        UserError: there is none, or more than one.
    """
    places = [folder]
    for _ in range(TREE_DEPTH + 1):
        found = [p for p in places if all((p / part).is_dir() for part in TREE_PARTS)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(str(place.relative_to(folder)) for place in found)
            raise UserError(f"{folder}: has several VOC trees: {names}. Give the path of one.")
        places = sorted(below for place in places for below in place.iterdir() if below.is_dir())
    raise UserError(
        f"{folder}: is no VOC tree, nor is any folder in it: wanted {', '.join(TREE_PARTS)}."
    )


def _archive_tree(source: config.Archive, repo: Path, scratch: Path) -> Path:
    try:
        archive = download(source.urls, repo / DOWNLOADS)
    except UserError as error:
        raise UserError(
            f"{error}\nTwo ways out: run again with a connection (what has arrived is kept), or "
            f"set {source.folder_env} to a folder with a copy of the data in VOC layout."
        ) from None
    try:
        unpack(archive, scratch)
        tree = find_tree(scratch)
        verify(tree, repo / source.checksums)
    except UserError as error:
        archive.unlink()
        raise UserError(
            f"{error}\nThe archive came from {source.urls} and was removed. Run again to download "
            f"it anew, or set {source.folder_env} to a folder with a good copy."
        ) from None
    return tree


def verify(tree: Path, checksums: Path) -> None:
    """Prove that every file of a list of ``sha256  path`` lines is in ``tree`` as it should be.

    Raises:
        UserError: naming the files that are missing or differ.
    """
    if not checksums.exists():
        raise UserError(f"{checksums}: not found, wanted lines of sha256 and path. Restore it.")
    lines = checksums.read_text().splitlines()
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


def _checked(data: config.Data, source: Path, workers: int) -> list[Problem]:
    problems = check_tree(data, source, workers)
    if data.on_invalid == "stop" and problems:
        raise UserError(report(problems, str(source)))
    stopping = [problem for problem in problems if problem.image_id is None]
    if stopping:
        raise UserError(report(stopping, str(source)))
    return problems


def _copy(data: config.Data, source: Path, tree: Path, problems: list[Problem]) -> list[Problem]:
    """Copy what is sound; returns the problems whose objects or images were left out."""
    bad_objects: dict[str, set[int]] = defaultdict(set)
    for problem in problems:
        if problem.index is not None:
            bad_objects[problem.image_id].add(problem.index)
    skipped = problems + [
        Problem(
            str(annotation_path(Path(), image_id)),
            "annotation",
            "has no object left",
            "Mend its objects.",
            image_id,
        )
        for image_id, bad in bad_objects.items()
        if len(bad) == len(read_tree(annotation_path(source, image_id)).findall("object"))
    ]
    bad_images = {problem.image_id for problem in skipped if problem.index is None}
    for split, image_set in data.splits.items():
        ids = [i for i in read_image_set(source, image_set) if i not in bad_images]
        if not ids:
            raise UserError(f"{report(skipped, str(source))}\nNo image of split {split!r} is left.")
        with progress(len(ids), f"copy {split}", "image") as bar:
            for image_id in ids:
                _copy_image(source, tree, image_id, bad_objects[image_id])
                bar.update()
        _copy_image_sets(data.classes, source, tree, image_set, ids)
    return skipped


def _copy_image_sets(
    classes: list[str], source: Path, tree: Path, image_set: str, kept: list[str]
) -> None:
    """Write the list of an image set, and its per-class lists where the source has them."""
    text = "".join(f"{image_id}\n" for image_id in kept)
    write_text(image_set_path(tree, image_set), text)
    for path in (image_set_path(source, f"{label}_{image_set}") for label in classes):
        if path.exists():
            # A line is an id and a flag: the class is there (1), is not (-1), is difficult (0).
            lines = [line for line in path.read_text().splitlines() if line.strip()]
            chosen = [line for line in lines if line.rsplit(maxsplit=1)[0].strip() in set(kept)]
            write_text(image_set_path(tree, path.stem), "".join(f"{line}\n" for line in chosen))


def _copy_image(source: Path, tree: Path, image_id: str, bad_objects: set[int]) -> None:
    for place in (image_path, annotation_path):
        place(tree, image_id).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(image_path(source, image_id), image_path(tree, image_id))
    if not bad_objects:
        shutil.copyfile(annotation_path(source, image_id), annotation_path(tree, image_id))
        return
    root = read_tree(annotation_path(source, image_id))
    for index, element in enumerate(root.findall("object")):
        if index in bad_objects:
            root.remove(element)
    write_bytes(annotation_path(tree, image_id), ET.tostring(root, encoding="utf-8"))


def _manifest(profile: config.Profile, tree: Path, skipped: list[Problem]) -> dict:
    splits = {}
    for split, image_set in profile.data.splits.items():
        dataset = VOCDataset(tree, image_set, profile.data.classes, split)
        splits[split] = {
            "images": len(dataset),
            "objects": sum(len(dataset.annotation(i).labels) for i in range(len(dataset))),
            "sha256": {image_id: dataset.image_hash(i) for i, image_id in enumerate(dataset.ids)},
        }
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    return {
        "profile": profile.profile,
        "splits": splits,
        "classes": profile.data.classes,
        "skipped": [
            {"file": problem.file, "object": problem.object, "problem": problem.problem}
            for problem in skipped
        ],
        "files": {path.relative_to(tree).as_posix(): sha256_file(path) for path in files},
    }
