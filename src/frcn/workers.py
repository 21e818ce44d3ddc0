"""How many processes a stage may run at a time."""

import os


def available_cpus() -> int:
    """CPUs that this process may use: a job of a cluster has few of its node's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
