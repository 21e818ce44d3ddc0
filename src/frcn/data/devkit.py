"""The VOC trees of a folder: the one that it has, or several of a devkit merged into one."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from frcn.data.voc import annotation_path, image_path, image_set_path, read_image_set
from frcn.errors import UserError

TREE_PARTS = ("Annotations", "ImageSets/Main", "JPEGImages")
TREE_DEPTH = 2


def find_tree(folder: Path) -> Path:
    """The VOC tree that is ``folder`` or lies up to two directories below it.

    Raises:
        UserError: there is none, or more than one.
    """
    places = [folder]
    for _ in range(TREE_DEPTH + 1):
        found = [place for place in places if _is_tree(place)]
        if len(found) == 1:
            return found[0]
        if found:
            raise _several(folder, found)
        places = sorted(below for place in places for below in place.iterdir() if below.is_dir())
    raise UserError(
        f"{folder}: is no VOC tree, nor is any folder in it: wanted {', '.join(TREE_PARTS)}."
    )


def find_trees(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """The VOC trees of these names in ``folder``, up to two directories down.

    Raises:
        UserError: one is missing, or is there more than once.
    """
    trees = {}
    for name in names:
        found = [
            place
            for depth in range(TREE_DEPTH + 1)
            for place in sorted(folder.glob("*/" * depth + name))
            if _is_tree(place)
        ]
        if not found:
            raise UserError(
                f"{folder}: has no VOC tree {name}: wanted {name}/ with {', '.join(TREE_PARTS)}, "
                "there or in its VOCdevkit."
            )
        if len(found) > 1:
            raise _several(folder, found)
        trees[name] = found[0]
    return trees


def merge_trees(
    trees: Mapping[str, Path],
    image_sets: Mapping[str, Mapping[str, str]],
    classes: Sequence[str],
    out: Path,
) -> None:
    """Make one tree at ``out`` of image sets of several, under the names that they have there.

    Pictures and annotations are links to the originals. ``image_sets`` maps for each tree a set's
    name to its new one. Per-class lists come along where there are any.

    Raises:
        UserError: image sets are missing, or two trees have an image of the same id.
    """
    wanted = [(trees[tree], *names) for tree, sets in image_sets.items() for names in sets.items()]
    missing = [
        f"  {image_set_path(tree, image_set)}"
        for tree, image_set, _ in wanted
        if not image_set_path(tree, image_set).is_file()
    ]
    if missing:
        raise UserError(
            "\n".join(["lists of image sets are not found:", *missing])
            + "\nUnpack the archives that have them into the same folder."
        )
    origins: dict[str, Path] = {}
    for tree, image_set, name in wanted:
        for prefix in ("", *(f"{label}_" for label in classes)):
            listed = image_set_path(tree, f"{prefix}{image_set}")
            if listed.exists():
                _link(listed, image_set_path(out, f"{prefix}{name}"))
        # An id that is a path would be linked outside; the checks of the tree refuse it.
        for image_id in {i for i in read_image_set(tree, image_set) if Path(i).name == i}:
            if origins.setdefault(image_id, tree) != tree:
                raise UserError(
                    f"{origins[image_id]} and {tree} both have an image {image_id!r}. Give one of "
                    "them another id."
                )
            for place in (image_path, annotation_path):
                _link(place(tree, image_id), place(out, image_id))


def _is_tree(place: Path) -> bool:
    return all((place / part).is_dir() for part in TREE_PARTS)


def _several(folder: Path, found: list[Path]) -> UserError:
    names = ", ".join(str(place.relative_to(folder)) for place in found)
    return UserError(f"{folder}: has several VOC trees: {names}. Give the path of one.")


def _link(original: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():  # two image sets of a tree may share an image
        link.symlink_to(original.resolve())
