"""Learned delays keep their spikes from the trainer to the grid, the simulators, NIR and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from neuro import sim
from neuro.clock import Clock
from neuro.export import check_delays, lowering, read_nir, write_nir
from neuro.grid import on_grid
from neuro.network import Input, Network, Synapse
from neuro.neurons import IF
from neuro.synapses import Dense
from neuro.train import Module
from neuro.units import ms

pytest.importorskip("nir")
STEPS = 60


def trained() -> tuple[Module, torch.Tensor]:
    """A module whose delays were moved off the grid by steps of an optimiser, and its input."""
    rng = np.random.default_rng(6)

    def edge(pre: str, post: str, sent: int, size: int) -> Synapse:
        weight = rng.integers(-1, 4, (size, sent)) / 4  # sums are exact
        return Synapse(pre, post, Dense(weight), rng.integers(0, 15, (size, sent)) * ms)

    network = Network(
        {"in": Input(6), "hid": IF(8, v_th=0.875), "out": IF(4, v_th=0.875)},
        (edge("in", "hid", 6, 8), edge("hid", "out", 8, 4)), ("out",), Clock(1 * ms),
    )  # fmt: skip
    module = Module(network, learn=["delay"], max_delay=20 * ms)
    x = torch.tensor((rng.random((STEPS, 1, 6)) < 0.3).astype(np.float32))
    optimiser = torch.optim.Adam(module.parameters(), lr=0.7)
    for _ in range(5):
        optimiser.zero_grad()
        record, _ = module(x)
        (record["out.spikes"].sum() - 50).square().backward()
        optimiser.step()
    return module.eval(), x


def test_from_the_trainer_to_nir_and_back(tmp_path: Path) -> None:
    module, x = trained()
    network, report = module.on_grid()
    assert all(row.moved > 0 and row.largest_move <= 0.5001 * ms for row in report.synapses)
    with torch.no_grad():
        record, _ = module(x, record=["hid.spikes", "out.spikes"])
    expected = {n: record.array(n)[:, 0] for n in ("hid.spikes", "out.spikes")}
    assert min(spikes.sum() for spikes in expected.values()) > 20
    write_nir(network, tmp_path / "net.nir")
    assert lowering(network).branches > 2
    assert check_delays(network, "loihi") == []
    again = read_nir(tmp_path / "net.nir")
    assert again == network
    fed = {"in": x[:, 0].numpy()}
    for engine, threads in (("compiled", 1), ("compiled", 2), ("reference", 1)):
        got = sim.run(again, STEPS * ms, inputs=fed, record=[*expected], engine=engine,  # type: ignore[arg-type]
                      threads=threads)  # fmt: skip
        for name, spikes in expected.items():
            np.testing.assert_array_equal(got.array(name)[:, 0], spikes, err_msg=name)


def test_a_coarser_clock_needs_fewer_branches() -> None:
    network, _ = trained()[0].on_grid()
    coarse, report = on_grid(network, Clock(4 * ms))
    assert lowering(coarse).branches < lowering(network).branches
    for row in report.synapses:
        assert row.distinct_after < row.distinct_before and row.largest_move <= 2 * ms
