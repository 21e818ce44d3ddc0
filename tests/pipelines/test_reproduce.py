"""The lock, and what becomes of DVC when its caller is interrupted."""

import signal
import subprocess
import sys
import textwrap
import time

import pytest

from frcn.errors import INTERRUPTED, UserError
from pipelines import reproduce
from repository_copy import REPO, environment


def test_the_lock_is_given_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        with reproduce.only_one() as lock:
            assert lock.is_locked
            with pytest.raises(UserError, match="another `make reproduce`"):
                reproduce.only_one()
        assert not lock.is_locked


@pytest.mark.parametrize("interrupts", [1, 2])
def test_nothing_outlives_an_interrupted_caller(tmp_path, interrupts):
    """A stand-in for DVC that does not listen to Ctrl-C, with patience of a second."""
    (tmp_path / "dvc.py").write_text(
        textwrap.dedent("""
            import pathlib, signal, time
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            for beat in range(10_000):
                pathlib.Path("beat").write_text(str(beat))
                time.sleep(0.01)
        """)
    )
    caller = textwrap.dedent("""
        from pipelines import reproduce, stage
        reproduce.PATIENCE = 1
        stage.exit_cleanly(lambda: reproduce.run_dvc([], None))
    """)
    process = subprocess.Popen([sys.executable, "-c", caller], cwd=tmp_path, env=environment(REPO))
    beat = tmp_path / "beat"
    while not beat.exists():
        assert process.poll() is None
        time.sleep(0.01)
    for _ in range(interrupts):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert process.wait(30) == INTERRUPTED
    last = beat.read_text()
    time.sleep(0.3)
    assert beat.read_text() == last
