"""What `dvc repro` would run for a profile, and what that will take: the table of ``frcn plan``."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from frcn import planning
from frcn.artefacts import read_json
from frcn.config import Cell, Data, Folder, Network, ProfileProposals
from frcn.data.voc import open_split
from frcn.errors import UserError
from frcn.planning import Measured
from frcn.planning_table import Cost, Planned, plan_table
from frcn.quick_timing import (
    device_name,
    quickly_timed,
    step_memory,
    timed_here,
    timed_proposals,
    typical_picture,
)
from frcn.timing.setting import SETTINGS
from frcn.workers import available_cpus
from pipelines.compose import compose_network, proposal_lists
from pipelines.states import ARTEFACTS, FRESH, graph_of, stage_states

# Weights make no difference to seconds.
LAYERS_OF = {"L_torchvision": "L"}
KEPT = ARTEFACTS / "cache/plan"


def plan(profile: str) -> str:
    """The table of ``frcn plan``.

    Raises:
        UserError: the profile does not compose, DVC is at work, or nothing says how many images
            there are.
    """
    with graph_of(profile) as cells:
        states = stage_states()
    todo = {stage: state for stage, state in states.items() if state != FRESH}
    if not todo:
        return f"{profile}: up to date, `dvc repro` would run nothing"
    estimates = Estimates(profile, cells)
    planned = [Planned(stage, state, estimates.of(stage)) for stage, state in todo.items()]
    return plan_table(planned, estimates.notes)


@dataclass(frozen=True)
class _Run:
    """A cell, and the name of its folders: cell and seed."""

    cell: Cell
    folder: str


class Estimates:
    """Costs of stages by their names in the graph; what was measured for them is in ``notes``."""

    def __init__(self, profile: str, cells: Mapping[str, Cell]) -> None:
        self.notes: list[str] = []
        self._profile = profile
        self._lists = proposal_lists(cells)
        self._cells = cells
        self._images = cache(lambda: image_counts(profile, next(iter(cells.values())).data))
        measured = cache(self._measure)
        self._measured = lambda name: measured(LAYERS_OF.get(name, name))
        self._memories: dict[str, int | None] = {}
        self._device = device_name()

    def of(self, stage: str) -> Cost:
        """The cost of a stage; one without numbers where nothing is known of it."""
        name, _, key = stage.partition("@")
        if name == "proposals":
            return self._proposals(self._lists[key.removeprefix(f"{self._profile}-")])
        if name == "backbone":
            return self._backbone(*key.split("-"))
        if name == "train":
            return self._train(key)
        if name == "detect":
            return self._detect(key)
        return Cost()

    def _run(self, key: str) -> _Run:
        folder = key.removeprefix(f"{self._profile}-")
        return _Run(self._cells[folder.rpartition("-")[0]], folder)

    def _proposals(self, wanted: ProfileProposals) -> Cost:
        images = sum(self._images().values())
        if wanted.proposals.method == "imported":
            return Cost(disk=planning.proposals_bytes(images, wanted.proposals.max_boxes))
        seconds, boxes = timed_proposals(wanted.proposals, self._picture())
        workers = available_cpus()
        return Cost(images * seconds / workers, disk=planning.proposals_bytes(images, boxes))

    def _picture(self) -> np.ndarray:
        """One of the data if they are here, else a generated one of the size that is timed."""
        cell = next(iter(self._cells.values()))
        if _manifest(cell.data).exists():
            return open_split(cell.data, cell.test.split).image(0)
        return typical_picture(SETTINGS[cell.network.name].picture)

    def _backbone(self, network: str, pooling: str) -> Cost:
        config = compose_network(network)
        if config.weights.kind != "pretraining":
            return Cost()
        own = self._own_seconds(ARTEFACTS / "backbone" / f"{network}-{pooling}.json", "seconds")
        if own is not None:
            return Cost(own, estimated=False)
        return Cost(planning.pretraining_seconds(config, self._measured(network)))

    def _train(self, key: str) -> Cost:
        run = self._run(key)
        cell = run.cell
        images = sum(self._images()[split] for split in cell.train.splits)
        file = ARTEFACTS / self._profile / "train" / run.folder / "train.json"
        own = self._own_seconds(file, "seconds")
        seconds = own
        if own is None:
            seconds = planning.train_seconds(cell, self._measured(cell.network.name), images)
        return Cost(
            seconds,
            estimated=own is None,
            disk=planning.weights_bytes(cell),
            scratch=planning.cache_bytes(cell, SETTINGS[cell.network.name], images),
            memory=self._memory(cell),
        )

    def _detect(self, key: str) -> Cost:
        run = self._run(key)
        cell = run.cell
        images = self._images()[cell.test.split]
        file = ARTEFACTS / self._profile / "detect" / run.folder / "detect.json"
        own = self._own_seconds(file, "seconds_per_image")
        each = own
        if own is None:
            each = planning.image_seconds(cell, self._measured(cell.network.name))
        disk = planning.detections_bytes(cell, images)
        return Cost(each * images, estimated=own is None, disk=disk)

    def _memory(self, cell: Cell) -> int | None:
        """GPU memory of a step; cells with equal steps are measured once."""
        train = cell.train
        step = (cell.system, cell.network, train.kind, train.learn_from, train.scales)
        key = repr((*step, train.sampling))
        if key not in self._memories:
            try:
                self._memories[key] = step_memory(cell)
            except torch.OutOfMemoryError:
                self._memories[key] = None
                name = f"{cell.network.name}-{cell.experiment}"
                self.notes.append(f"{name}: a step needs more memory than the GPU has free")
        return self._memories[key]

    def _own_seconds(self, file: Path, key: str) -> float | None:
        """What a run that finished on this device took."""
        if not file.exists():
            return None
        values = read_json(file)
        return values[key] if values["device"] == self._device else None

    def _measure(self, name: str) -> Measured:
        network: Network = compose_network(name)
        found = timed_here(network, ARTEFACTS / "timing" / f"{name}.json")
        origin = "from the stage `timing`"
        if found is None:
            found = quickly_timed(network, KEPT / f"{name}.json")
            origin = "the stage `timing` has not run on this device; measured quickly instead"
        self.notes.append(f"{name}: {origin}, {found.basis}")
        return found


def image_counts(profile: str, data: Data) -> dict[str, int]:
    """Images of each split: of the data if they are here, else as ``data.source`` says.

    Raises:
        UserError: neither says it.
    """
    manifest = _manifest(data)
    if manifest.exists():
        splits = read_json(manifest)["splits"]
        return {split: content["images"] for split, content in splits.items()}
    if isinstance(data.source, Folder) or data.source.images is None:
        raise UserError(
            f"{manifest}: not found, and data.source of profile {profile} has no `images`, the"
            f" number of each split. `dvc repro fetch@{profile}` gets the data."
        )
    return data.source.images


def _manifest(data: Data) -> Path:
    return Path(data.root) / "manifest.json"
