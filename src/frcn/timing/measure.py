"""All measurements of one network, in one file."""

from collections.abc import Sequence
from pathlib import Path

import torch

from frcn.artefacts import write_json
from frcn.config import Network
from frcn.machine import default_device, describe
from frcn.progress import progress
from frcn.timing.detection import time_fast_rcnn, time_fast_rcnn_svd, time_rcnn, time_spp_net
from frcn.timing.matrix_product import matrix_product
from frcn.timing.measurements import Row, Step, Timing
from frcn.timing.minibatch_cost import OWN_IMAGES, minibatch_cost
from frcn.timing.networks import fast_rcnn_network
from frcn.timing.projection import fast_rcnn_training, rcnn_training, spp_net_training
from frcn.timing.setting import Setting
from frcn.timing.sgd_steps import rcnn_steps, spp_net_steps
from frcn.timing.workload import count_unique_rois, input_size, workload

MEASUREMENTS = 7


def measure(network: Network, setting: Setting, out: Path) -> None:
    """Time the three systems with a network and write a ``Timing`` as JSON."""
    device = default_device()
    work = workload(setting)
    with progress(MEASUREMENTS, f"timing {network.name}", "measurement") as bar:

        def done(result: list) -> list:
            bar.update()
            return result

        rows = done(time_fast_rcnn(setting, work, network.name, device))
        rows += done(time_fast_rcnn_svd(setting, work, network, device))
        rows += done(time_rcnn(setting, work, network.name, device))
        rows += done(time_spp_net(setting, work, network.name, device))
        product = matrix_product(device)
        steps = done(minibatch_cost(network, setting, work, device))
        rows += done([rcnn_steps(network, device)])
        rows += done([spp_net_steps(setting, work, network.name, device)])
    rows.append(_own_step(steps))
    rows += _trainings(rows)
    with torch.device("meta"):
        shapes = fast_rcnn_network(network.name)
    machine = describe(shapes)
    timing = Timing(
        network=network.name,
        device=machine["device"],
        threads=machine["threads"],
        precision="float32",
        torch=torch.__version__,
        product=product,
        image=input_size(setting, work),
        rois=setting.rois,
        unique_rois=count_unique_rois(setting, work, shapes),
        rows=rows,
        steps=steps,
    )
    write_json(out, timing.model_dump(mode="json"))


def _own_step(steps: Sequence[Step]) -> Row:
    """Fast R-CNN's step, that of two images."""
    step = next(step for step in steps if step.images == OWN_IMAGES)
    return Row(
        system="fast_rcnn",
        phase="step",
        seconds=step.seconds,
        extrapolated=step.extrapolated,
        multiply_adds=step.multiply_adds,
    )


def _trainings(rows: Sequence[Row]) -> list[Row]:
    seconds = {(row.system, row.phase): row.seconds for row in rows}
    parts = [seconds["rcnn", phase] for phase in ("conv", "fc6", "fc7")]
    features = [sum(repeat) for repeat in zip(*parts, strict=True)]
    return [
        fast_rcnn_training(seconds["fast_rcnn", "step"]),
        rcnn_training(seconds["rcnn", "step"], features),
        spp_net_training(seconds["spp_net", "step"], seconds["spp_net", "conv"]),
    ]
