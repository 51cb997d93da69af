"""Long sequences: only the state at the ends of chunks is kept, and the gradients are equal."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from neuro import LIF, Clock, Input, Network, Synapse, ms
from neuro.errors import InvalidValue
from neuro.synapses import Dense
from neuro.train import Module


def network() -> Network:
    rng = np.random.default_rng(0)
    forward = rng.integers(-4, 9, (8, 5)).astype(np.float32) / 8
    back = rng.integers(-4, 5, (8, 8)).astype(np.float32) / 8
    synapses = (
        Synapse("in", "hid", Dense(forward)),
        Synapse("hid", "hid", Dense(back), delay=3 * ms),
    )
    return Network({"in": Input(5), "hid": LIF(8)}, synapses, ("hid",), Clock(1 * ms))


@pytest.mark.parametrize("chunk", ["sqrt", 1, 2, 7, 30, 100])
@pytest.mark.parametrize("backend", ["fused", "reference"])
def test_chunks_change_neither_spikes_nor_gradients(chunk: int | str, backend: str) -> None:
    x = (torch.rand(30, 4, 5, generator=torch.Generator().manual_seed(0)) < 0.3).double()
    results = []
    for length in (None, chunk):
        module = Module(network(), learn=["weight", "tau_mem"], backend=backend).double()
        record, state = module(x, record=["hid.v"], chunk=length)
        (record["hid.v"].sum() + record["hid.spikes"].sum()).backward()
        gradients = [p.grad for p in module.parameters()]
        results.append((record["hid.spikes"], record["hid.v"], state.neurons["hid"].v, gradients))
    whole, parts = results
    assert all(torch.equal(a, b) for a, b in zip(whole[:3], parts[:3], strict=True))
    assert whole[0].sum() > 20
    for a, b in zip(whole[3], parts[3], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


MEMORY = """
import ctypes, gc, re, torch
from pathlib import Path
from neuro import LI, LIF, Clock, feedforward, ms
from neuro.train import Module

def memory(field):  # of this process, in kB; ru_maxrss would begin with that of the parent
    return int(re.search(field + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

torch.set_num_threads(1)
module = Module(feedforward(8, LIF(512), LIF(512), LI(2), clock=Clock(1 * ms), seed=0))
module(torch.rand(32, 64, 8), chunk=16)[0]["out.v"].sum().backward()  # loads all that it takes
gc.collect()
ctypes.CDLL(None).malloc_trim(0)
Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
x = torch.rand({steps}, 64, 8)
before = memory("VmRSS")
record, _ = module(x, chunk={chunk!r})
record["out.v"].sum().backward()
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_grows_with_the_root_of_the_length() -> None:
    """Peak of a whole training step, each in a process of its own."""

    def peak(steps: int, chunk: str | None) -> int:
        code = MEMORY.format(steps=steps, chunk=chunk)
        command = [sys.executable, "-c", code]
        environment = os.environ | {
            "MALLOC_MMAP_THRESHOLD_": "65536"
        }  # what is freed is given back
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return int(done.stdout)

    short = peak(625, "sqrt")
    assert short < 0.5 * peak(625, None)
    assert peak(2500, "sqrt") < 2.2 * short  # four times as long


@pytest.mark.parametrize("chunk", [0, -3, 1.5, "root"])
def test_a_chunk_that_is_no_length_is_refused(chunk: object) -> None:
    with pytest.raises(InvalidValue, match="chunk"):
        Module(network())(torch.zeros(4, 1, 5), chunk=chunk)  # type: ignore[arg-type]


@pytest.mark.parametrize("chunk", [None, "sqrt", 7])
def test_counts_are_sums_of_spikes_with_the_same_gradients(chunk: str | int | None) -> None:
    x = (torch.rand(30, 4, 5, generator=torch.Generator().manual_seed(0)) < 0.3).double()
    weights = torch.linspace(-1, 1, 8, dtype=torch.float64)
    results = []
    for signal in ("hid.spikes", "hid.count"):
        module = Module(network(), learn=["weight", "tau_mem"]).double()
        record, _ = module(x, record=[signal], chunk=chunk)
        assert list(record) == [signal]
        count = record[signal].sum(0)
        (count * weights).sum().backward()
        results.append([count, *(p.grad for p in module.parameters())])
    assert record["hid.count"].shape == (1, 4, 8)
    assert results[0][0].sum() > 20
    assert all(torch.equal(a, b) for a, b in zip(results[0][:1], results[1][:1], strict=True))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
