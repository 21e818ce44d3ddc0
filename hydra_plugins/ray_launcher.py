"""``hydra/launcher=ray``: each job is a task of a Ray cluster.

Hydra's own plugin, hydra-ray-launcher 1.2.2, needs cloudpickle below 3, and joblib 1.6, which
scikit-learn brings, needs 3 or newer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


@dataclass
class RayLauncherConfig:
    """``address`` of the cluster, and what a job takes of a node (fractions of a GPU count)."""

    _target_: str = "hydra_plugins.ray_launcher.RayLauncher"
    address: str = "auto"
    num_cpus: float = 1
    num_gpus: float = 0


ConfigStore.instance().store(
    group="hydra/launcher", name="ray", node=RayLauncherConfig, provider="frcn"
)


class RayLauncher(Launcher):
    """Sends jobs to a running cluster, which runs as many at a time as its nodes have room for."""

    def __init__(self, address: str, num_cpus: float, num_gpus: float) -> None:
        self.address = address
        self.resources = {"num_cpus": num_cpus, "num_gpus": num_gpus}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run one job for each list of overrides, and wait for all of them."""
        import ray  # noqa: PLC0415 - an optional extra, and Hydra imports all plugins

        with ray.init(address=self.address):
            remote = ray.remote(**self.resources)(run_remotely)
            load = self.hydra_context.config_loader.load_sweep_config
            jobs = []
            for number, overrides in enumerate(job_overrides, initial_job_idx):
                config = load(self.config, list(overrides))
                with open_dict(config):
                    config.hydra.job.num = number
                    config.hydra.job.id = str(number)
                state = Singleton.get_state()
                jobs.append(remote.remote(self.hydra_context, self.task_function, config, state))
            return ray.get(jobs)


def run_remotely(
    context: HydraContext, task: TaskFunction, config: DictConfig, singletons: dict
) -> JobReturn:
    """What a node does: Hydra's state as in the process that sent the job, then the job."""
    Singleton.set_state(singletons)
    setup_globals()
    return run_job(
        hydra_context=context,
        task_function=task,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
