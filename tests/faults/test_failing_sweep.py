"""Some cells of a sweep fail: the others land, and the sweep's end names those with their logs."""

from pathlib import Path

from repository_copy import ONE_THREAD, run
from sweep_repository import assert_done, prepare

# The loss of the first is infinite after a step, so that the second has no weights to test.
FAILING = {
    "diverges": "train: {solver: {base_lr: 1.0e+30}}",
    "heir": "train: {kind: none, parent: diverges}",
}


def test_failed_jobs_are_named_with_their_logs_and_the_others_land(tmp_path):
    repo = prepare(tmp_path, ("default", "svd"))
    for name, text in FAILING.items():
        header = f"# @package _global_\nexperiment: {name}\n"
        (repo / f"conf/experiment/{name}.yaml").write_text(f"{header}{text}\n")
    cells = ",".join(f"XS-{name}" for name in (*FAILING, "svd"))
    two_jobs = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    command = ("pipelines.sweep", "--multirun", f"cell={cells}", *two_jobs)
    result = run(repo, *command, check=False, **ONE_THREAD)
    assert result.returncode == 1
    told = result.stderr[result.stderr.index("2 failed:\n") :].splitlines()[1:]
    assert [line.split(":")[0] for line in told] == ["XS-diverges-0", "XS-heir-0"]
    for line in told:
        assert "train@tiny-XS-diverges-0 failed; its log is " in line
        assert "training diverged" in Path(line.split("its log is ")[1]).read_text()
    assert_done(repo, "svd")
