"""A trained detector applied to a whole test split, whatever its system."""

from pathlib import Path

from frcn.artefacts import atomic_path, sha256_file, write_json
from frcn.config import Cell
from frcn.data.voc import VOCDataset
from frcn.machine import describe, within_memory
from frcn.progress import progress
from frcn.proposals.source import ProposalSource
from frcn.systems import system
from frcn.systems.detection_collector import DetectionCollector
from frcn.systems.detection_parts import IMAGES, DetectionParts
from frcn.systems.detector import Detector


@within_memory("test.proposals", "test.scales")
def detect(
    cell: Cell,
    dataset: VOCDataset,
    proposals: ProposalSource,
    weights_file: Path,
    out: Path,
    resume: Path,
) -> None:
    """Detect in every image of the test split; write ``detections.parquet`` and ``detect.json``.

    Detections are those of FACTS §1.8 step 7: before NMS, at most ``max_per_image`` per class
    and image, above the running threshold of ``average_per_image`` × number of images.
    ``resume`` is a folder for what is unfinished; a killed test goes on from there.

    Raises:
        UserError: the weights don't fit, or a GPU's memory is not enough.
    """
    detector: Detector = system(cell.system).load_detector(cell, weights_file)
    if len(dataset):
        # The first pass allocates memory and picks kernels; it is not timed.
        detector.detect(dataset.image(0), proposals.boxes(0, cell.test.proposals))
        detector.seconds.clear()
    collector = DetectionCollector(
        cell.data.classes, len(dataset), cell.test.max_per_image, cell.test.average_per_image
    )
    parts = DetectionParts(resume, _key(cell, dataset, proposals, weights_file), collector)
    done, totals = parts.restore(dataset.ids)
    n_boxes = totals.get("boxes", 0)
    detector.seconds.update(totals.get("seconds", {}))
    with progress(len(dataset), f"detect {cell.experiment}", "image", initial=done) as bar:
        for index in range(done, len(dataset)):
            boxes = proposals.boxes(index, cell.test.proposals)
            n_boxes += len(boxes)
            collector.add(dataset.ids[index], *detector.detect(dataset.image(index), boxes))
            bar.update()
            if (index + 1) % IMAGES == 0:
                parts.save(index + 1, {"boxes": n_boxes, "seconds": detector.seconds})
    with atomic_path(out / "detections.parquet") as temporary:
        collector.table().to_parquet(temporary, index=False)
    images = max(len(dataset), 1)
    phases = {name: seconds / images for name, seconds in detector.seconds.items()}
    write_json(
        out / "detect.json",
        {
            "n_images": len(dataset),
            "seconds_per_image": sum(phases.values()),
            "phases": phases,
            "proposals_per_image": n_boxes / images,
        }
        | describe(detector.network),
    )
    parts.remove()


def _key(
    cell: Cell, dataset: VOCDataset, proposals: ProposalSource, weights_file: Path
) -> list[object]:
    """All that decides detections: what the config says of it, weights, pictures and boxes."""
    config = cell.model_dump(include={"data", "network", "system", "proposals", "dense", "test"})
    pictures = [dataset.image_hash(i) for i in range(len(dataset))]
    return [config, sha256_file(weights_file), dataset.ids, pictures, proposals.digest]
