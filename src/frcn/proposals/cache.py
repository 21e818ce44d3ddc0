"""Proposals by content: one small file per picture and settings, which survives a killed run."""

import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from pathlib import Path

import cv2
import numpy as np

from frcn import config
from frcn.artefacts import atomic_path, sha256_json
from frcn.data.voc import VOCDataset, read_image
from frcn.progress import progress
from frcn.proposals.selective_search import make_method


def settings_of(proposals: config.Proposals) -> dict:
    """All that the boxes of a picture depend on; a new OpenCV is a new engine."""
    return {**proposals.model_dump(), "opencv": cv2.__version__}


def cached_boxes(
    dataset: VOCDataset, proposals: config.Proposals, cache_dir: Path, workers: int = 1
) -> list[np.ndarray]:
    """The (R, 4) int16 proposals of every image, computing those that the cache lacks."""
    folder = Path(cache_dir) / sha256_json(settings_of(proposals))[:16]
    hashes = [dataset.image_hash(i) for i in range(len(dataset))]
    paths = [folder / digest[:2] / f"{digest}.npy" for digest in hashes]
    missing = {path: i for i, path in enumerate(paths) if not path.exists()}
    with progress(
        len(paths), f"proposals {dataset.split}", "image", initial=len(paths) - len(missing)
    ) as bar:
        if workers == 1:
            for path, i in missing.items():
                _compute(dataset.image_path(i), proposals, path)
                bar.update()
        elif missing:
            with ProcessPoolExecutor(
                min(workers, len(missing)), get_context("spawn"), _start_worker
            ) as pool:
                jobs = [
                    pool.submit(_compute, dataset.image_path(i), proposals, path)
                    for path, i in missing.items()
                ]
                try:
                    for job in as_completed(jobs):
                        job.result()
                        bar.update()
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
    return [np.load(path, allow_pickle=False) for path in paths]


def _compute(picture: Path, proposals: config.Proposals, path: Path) -> None:
    boxes = make_method(proposals)(read_image(picture))
    with atomic_path(path) as temporary:
        np.save(temporary, boxes)


def _start_worker() -> None:
    cv2.setNumThreads(1)

    def die_with_parent() -> None:
        # Without this, the workers of a run that was killed outright wait for work forever.
        parent_process().join()
        os._exit(1)

    threading.Thread(target=die_with_parent, daemon=True).start()
