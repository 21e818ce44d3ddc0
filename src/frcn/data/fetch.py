"""From a source of data to a checked VOC devkit tree with a manifest.

The tree is built beside its place and moved there when it is whole, so that an interrupted
fetch leaves the old tree or none. It holds the files of the used splits and no others.
"""

import os
import re
import shutil
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

from frcn import config
from frcn.artefacts import sha256_file, write_bytes, write_json, write_text
from frcn.data.archive_source import downloaded_tree, local_tree
from frcn.data.checks import Problem, check_tree, report
from frcn.data.devkit import find_tree
from frcn.data.disk import full_disk_told
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
        with full_disk_told(out):
            source = _source_tree(data, Path(repo), building / "source", workers)
            # What was made for the occasion is gone when the user reads of its problems.
            own = source.is_relative_to(building)
            where = f"the data of {profile.profile}" if own else str(source)
            problems = _checked(data, source, where, workers)
            skipped = _copy(data, source, where, building / "tree", problems)
            manifest = _manifest(profile, building / "tree", skipped)
            write_json(building / "tree" / "manifest.json", manifest)
        shutil.rmtree(out, ignore_errors=True)
        (building / "tree").rename(out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return manifest


def _source_tree(data: config.Data, repo: Path, scratch: Path, workers: int) -> Path:
    source = data.source
    if isinstance(source, config.Shapes):
        from frcn.data import shapes  # noqa: PLC0415 -- only this profile pays for its import

        shapes.generate(scratch, source.images, source.seed, workers)
        return scratch
    if isinstance(source, config.Folder):
        return find_tree(_folder(source.path, repo, "data.source.path"))
    if local := os.environ.get(source.folder_env):
        return local_tree(data, _folder(local, repo, source.folder_env), repo, scratch)
    return downloaded_tree(data, repo, scratch)


def _folder(path: str, repo: Path, setting: str) -> Path:
    expanded = os.path.expandvars(path)
    if unset := re.findall(r"\$\{?(\w+)\}?", expanded):
        raise UserError(
            f"{setting}: {path!r} needs the environment variable {unset[0]}, which is not "
            f"set. Set it to the folder: export {unset[0]}=..."
        )
    folder = repo / Path(expanded).expanduser()
    if not folder.is_dir():
        raise UserError(f"{folder}: not found, wanted the folder of the data. Mend {setting}.")
    return folder


def _checked(data: config.Data, source: Path, where: str, workers: int) -> list[Problem]:
    problems = check_tree(data, source, workers)
    if data.on_invalid == "stop" and problems:
        raise UserError(report(problems, where))
    stopping = [problem for problem in problems if problem.image_id is None]
    if stopping:
        raise UserError(report(stopping, where))
    return problems


def _copy(
    data: config.Data, source: Path, where: str, tree: Path, problems: list[Problem]
) -> list[Problem]:
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
            raise UserError(f"{report(skipped, where)}\nNo image of split {split!r} is left.")
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
    wanted = set(kept)
    for path in (image_set_path(source, f"{label}_{image_set}") for label in classes):
        if path.exists():
            # A line is an id and a flag: the class is there (1), is not (-1), is difficult (0).
            lines = [line for line in path.read_text().splitlines() if line.strip()]
            chosen = [line for line in lines if line.rsplit(maxsplit=1)[0].strip() in wanted]
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
