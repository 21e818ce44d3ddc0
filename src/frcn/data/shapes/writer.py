"""Writing the detection set as a VOC devkit tree."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import cv2

from frcn.data.shapes.detection_figures import FIGURES
from frcn.data.shapes.scene import HEIGHT, WIDTH, render
from frcn.data.voc import image_path
from frcn.data.voc_tree import VOCImage, make_folders, write_annotation, write_image_set
from frcn.progress import progress
from frcn.workers import worker_pool

CLASSES = tuple(FIGURES)
JPEG_QUALITY = 90
IMAGES_PER_TASK = 8


def generate(root: Path, images: Mapping[str, int], seed: int, workers: int = 1) -> None:
    """Write ``images[split]`` pictures of every split, as a VOC tree under ``root``.

    The bytes depend on the seed, the split's name and the picture's number, not on ``workers``
    nor on the other splits. Ids are ``<split>_<number>``.
    """
    make_folders(root)
    jobs = [(split, index) for split, count in images.items() for index in range(count)]
    written: dict[str, list[VOCImage]] = {split: [] for split in images}
    with progress(len(jobs), "shapes", "image") as bar:
        for (split, _), image in zip(jobs, _written(root, seed, jobs, workers), strict=True):
            written[split].append(image)
            bar.update()
    for split, members in written.items():
        write_image_set(root, split, CLASSES, members)


def _written(
    root: Path, seed: int, jobs: list[tuple[str, int]], workers: int
) -> Iterator[VOCImage]:
    write = partial(_write, Path(root), seed)
    if workers == 1:
        yield from map(write, jobs)
        return
    with worker_pool(workers) as pool:
        yield from pool.map(write, jobs, chunksize=IMAGES_PER_TASK)


def _write(root: Path, seed: int, job: tuple[str, int]) -> VOCImage:
    split, index = job
    scene = render(seed, split, index)
    image = VOCImage(f"{split}_{index:05d}", WIDTH, HEIGHT, tuple(scene.objects))
    _, encoded = cv2.imencode(".jpg", scene.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    image_path(root, image.image_id).write_bytes(encoded.tobytes())
    write_annotation(root, image)
    return image
