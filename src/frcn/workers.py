"""Processes that share the work of this one, and end with it."""

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process

import cv2


def available_cpus() -> int:
    """CPUs that this process may use: a job of a cluster has few of its node's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """A pool of processes with one thread each for OpenCV; they end even if this one is killed."""
    # A fork of a process that torch or OpenCV gave threads may hang; a fresh one can't.
    return ProcessPoolExecutor(workers, get_context("spawn"), _start_worker)


def _start_worker() -> None:
    cv2.setNumThreads(1)

    def die_with_parent() -> None:
        # Without this, the workers of a run that was killed outright wait for work forever.
        parent_process().join()
        os._exit(1)

    threading.Thread(target=die_with_parent, daemon=True).start()
