from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bevseg.cli import main
from bevseg.commands.evaluation_ranks import Rank
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.generate import generate


def test_the_rank_is_what_torchrun_says() -> None:
    told = {"RANK": "2", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}
    rank = Rank.from_environment(told)
    assert (rank, rank.is_first) == (Rank(2, 4, 2), False)
    assert Rank.from_environment({"RANK": "2"}) == Rank() == Rank(0, 1, 1)
    assert rank.share(range(10)) == range(2, 10, 4)
    assert [rank.device(name) for name in ("cpu", "cuda", "cuda:3")] == ["cpu", "cuda:0", "cuda:3"]
    assert Rank().device("cuda") == "cuda"


def test_one_alone_waits_for_nobody_and_delivers_nothing(tmp_path: Path) -> None:
    rank = Rank()
    with rank.joined():
        rank.wait()
        rank.deliver(tmp_path / "missing")


@pytest.mark.parametrize("shared", [True, False])
def test_two_processes_give_the_figures_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shared: bool
) -> None:
    frames = tmp_path / "frames"
    generate(SimulationConfig(seed=5, density=(0.2, 0.4)), frames, 3, 1)
    on = ["eval", "--head", "clusters", "--simulated", str(frames), "--json", "--workers", "1"]
    assert main([*on, "--output", str(tmp_path / "alone")]) == 0
    alone = json.loads(capsys.readouterr().out)
    output = str(tmp_path / "shared") if shared else str(tmp_path) + "/rank$RANK"
    command = " ".join([sys.executable, "-m", "bevseg", *on, "--output", output])
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    start += ["--local-addr", "127.0.0.1"]  # no look-up of the machine's name
    done = subprocess.run(
        [*start, "--no-python", "bash", "-c", command],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    together = json.loads(done.stdout)
    for metrics in (alone, together):
        for source in metrics["sources"]:
            assert source.pop("timings_ms")["total"]["p50"] > 0
    assert together == alone
    kept = tmp_path / ("shared" if shared else "rank0") / "scores" / "simulated"
    assert len(list(kept.iterdir())) == 3
