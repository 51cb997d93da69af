"""Generated kernels: readable files, shared by processes, whatever happens to them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import time
import torch
from neuro import LIF, Clock, ms
from neuro.nn import Population

x = torch.full((20, 2, 3), 0.25, requires_grad=True)
start = time.perf_counter()
out, _ = Population(LIF(3), Clock(1 * ms))(x)
out.sum().backward()
from neuro.lower import kernels
(code,) = kernels._compiled.values()
print(int(out.sum()), sum(code.module.forward.stats.cache_misses.values()),
      sum(code.module.backward.stats.cache_misses.values()))
"""


def start(cache: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"NEURO_CACHE": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", RUN], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> list[int]:
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    return [int(n) for n in out.split()]


def test_processes_that_start_together_share_one_source_and_later_ones_compile_nothing(
    tmp_path: Path,
) -> None:
    results = [finish(p) for p in [start(tmp_path) for _ in range(3)]]
    assert len({spikes for spikes, _, _ in results}) == 1 and results[0][0] > 0
    (source,) = tmp_path.glob("*.py")
    text = source.read_text(encoding="utf-8")
    assert "def forward(low, high, steps, x_current, " in text and "def backward(" in text
    assert finish(start(tmp_path))[1:] == [0, 0]


def test_a_damaged_source_is_written_again(tmp_path: Path) -> None:
    spikes, *_ = finish(start(tmp_path))
    (source,) = tmp_path.glob("*.py")
    source.write_text("raise SystemExit('damaged')", encoding="utf-8")
    assert finish(start(tmp_path))[0] == spikes


def test_a_cache_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = start(tmp_path / "file" / "folder")
    _, errors = process.communicate()
    assert process.returncode != 0
    assert "InvalidValue" in errors and "set NEURO_CACHE" in errors


def test_neurons_of_one_text_and_other_numbers_share_a_kernel() -> None:
    import torch

    from neuro import LIF, Clock, ms
    from neuro.lower import kernels
    from neuro.nn import Population

    def kernels_after(tau_mem: float) -> int:
        Population(LIF(3, tau_mem=tau_mem), Clock(1 * ms))(torch.zeros(2, 1, 3))
        return len(kernels._compiled)

    assert kernels_after(10 * ms) == kernels_after(30 * ms)


def test_the_fused_back_end_refuses_what_it_cannot_run() -> None:
    import torch

    from neuro import LIF, Clock, ms
    from neuro.errors import UnknownName, Unsupported
    from neuro.nn import Population

    layer = Population(LIF(3), Clock(1 * ms), backend="fused")
    with pytest.raises(Unsupported, match="float16"):
        layer(torch.zeros(2, 1, 3, dtype=torch.float16))
    with pytest.raises(UnknownName, match="fused"):
        Population(LIF(3), Clock(1 * ms), backend="fuse")  # type: ignore[arg-type]
