"""What NIR or a Network cannot say is refused by name, never approximated; damage is noticed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest

from neuro.build import conv, dense, feedforward
from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue, Unsupported
from neuro.export import from_nir, read_nir, to_nir, write_nir
from neuro.network import Input, Network, Synapse
from neuro.neurons import ALIF, IF, LI, LIF, Neuron
from neuro.synapses import Dense
from neuro.units import ms

nir: Any = pytest.importorskip("nir")  # whose own annotations refuse arrays

CLOCK = Clock(1 * ms)


class TwoPorts(NamedTuple):
    exc: Any
    inh: Any


class Pair(LIF):
    """A LIF with an excitatory and an inhibitory port."""

    Inputs = TwoPorts

    @staticmethod
    def receive(s: Any, p: Any, x: Any) -> Any:
        return s._replace(v=s.v + x.exc - x.inh)


def one(neuron: Neuron, **synapse: Any) -> Network:
    """in -> out with one population of two units."""
    edge = Synapse("in", "out", Dense(np.eye(2)), **synapse)
    return Network({"in": Input(2), "out": neuron}, (edge,), ("out",), CLOCK)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (one(LIF(2, reset="subtract")), ["'out'", "reset", "'subtract'", 'reset="zero"']),
        (one(LIF(2, reset="none")), ["'out'", "reset", "'none'"]),
        (one(IF(2, reset="subtract")), ["'out'", "reset", 'reset="zero"']),
        (one(LIF(2, refractory=2 * ms)), ["'out'", "refractory", "refractory=0"]),
        (one(LIF(2, refractory=np.array([0, 2 * ms]))), ["'out'", "refractory"]),
        (one(ALIF(2)), ["'out'", "neuron", "ALIF", "LIF, LI or IF"]),
        (one(Pair(2), port="inh"), ["in->out.inh", "port", "'inh'", "'exc'"]),
        (one(Pair(2)), ["'out'", "Pair"]),
        (one(LIF(2), name="left/right"), ["left/right", "name", "rename"]),
        (one(LIF(2), name="a\0b"), ["name", "rename"]),
    ],
)  # fmt: skip
def test_writing_refuses_what_nir_cannot_say(network: Network, words: list[str]) -> None:
    with pytest.raises(Unsupported) as error:
        to_nir(network)
    for word in words:
        assert word in str(error.value)


def test_writing_refuses_dense_weights_into_several_axes() -> None:
    edge = Synapse("in", "out", Dense(np.ones((4, 2)), post=(1, 2, 2)))
    network = Network({"in": Input(2), "out": LIF((1, 2, 2))}, (edge,), ("out",), CLOCK)
    with pytest.raises(Unsupported, match=r"unflatten.*shape \(4,\)"):
        to_nir(network)


def test_a_refusal_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "net.nir"
    write_nir(one(LIF(2)), path)
    with pytest.raises(Unsupported):
        write_nir(one(ALIF(2)), path)
    assert read_nir(path) == one(LIF(2))
    assert [p.name for p in tmp_path.iterdir()] == ["net.nir"]


# -- metadata against fields ------------------------------------------------------------------


def small() -> Network:
    return feedforward(
        (2, 4, 4), conv(3, bias=True), LIF(tau_mem=7 * ms), dense(delay=2 * ms), LIF(5), LI(2),
        clock=CLOCK, seed=0,
    )  # fmt: skip


def set_field(node: str, field: str, change: Callable[[Any], Any]) -> Callable[[Any], None]:
    def edit(graph: Any) -> None:
        setattr(graph.nodes[node], field, change(getattr(graph.nodes[node], field)))

    return edit


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (set_field("hid2", "v_threshold", lambda v: v * 2), ["hid2.v_threshold", "2.0", "1.0"]),
        (set_field("hid1", "tau", lambda v: v * 1.01), ["hid1.tau"]),
        (set_field("hid2", "v_reset", lambda v: v - 1), ["hid2.v_reset", "-1.0", "0.0"]),
        (set_field("out", "v_leak", lambda v: v + 1), ["out.v_leak", "1.0", "0.0"]),
        (set_field("hid1_to_hid2_delay", "delay", lambda d: d * 2), ["hid1_to_hid2_delay.delay"]),
        (set_field("in_to_hid1", "padding", lambda _: (1, 1)), ["in_to_hid1.padding", "1", "0"]),
        (set_field("hid2_to_out", "weight", lambda w: w + np.float64(0.1)), ["to_out.weight"]),
        (lambda g: g.nodes.pop("hid2_to_out"), ["hid2_to_out", "absent", "present"]),
        (lambda g: g.nodes.update(extra=nir.Linear(np.eye(2))), ["'extra'", "present", "absent"]),
        (lambda g: g.edges.remove(("hid2_to_out", "out")), ["'hid2_to_out' -> 'out'", "absent"]),
        (lambda g: g.edges.append(("out", "out")), ["'out' -> 'out'", "present"]),
    ],
)  # fmt: skip
def test_fields_that_contradict_the_metadata_are_refused(
    tmp_path: Path, edit: Callable[[Any], None], words: list[str]
) -> None:
    graph = to_nir(small())
    edit(graph)
    with pytest.raises(InvalidValue) as error:
        from_nir(graph)
    for word in [*words, "delete graph.metadata['neuro']"]:
        assert word in str(error.value)
    nir.write(tmp_path / "edited.nir", graph)
    with pytest.raises(CorruptFile, match=re.escape(str(tmp_path / "edited.nir"))):
        read_nir(tmp_path / "edited.nir")


def test_weights_changed_by_another_program_are_read() -> None:
    graph: Any = to_nir(small())
    graph.nodes["hid2_to_out"].weight = graph.nodes["hid2_to_out"].weight * 2
    changed = from_nir(graph)
    assert len(small().diff(changed)) == 1
    assert "hid2->out.weight" in small().diff(changed)[0]


def test_weights_of_another_shape_are_refused() -> None:
    graph: Any = to_nir(small())
    graph.nodes["in_to_hid1"].bias = graph.nodes["in_to_hid1"].bias[:2]
    with pytest.raises(InvalidValue, match=r"bias: has 2 values, expected 3"):
        from_nir(graph)


def test_metadata_of_another_format_or_edited_by_hand_are_refused() -> None:
    graph = to_nir(small())
    graph.metadata["neuro"]["network"] = graph.metadata["neuro"]["network"].replace(
        "0.007", "0.008"
    )
    with pytest.raises(InvalidValue, match="sha256"):
        from_nir(graph)
    graph.metadata["neuro"]["format"] = "neuro.nir/99"
    with pytest.raises(InvalidValue, match=r"neuro\.nir/99"):
        from_nir(graph)
    del graph.metadata["neuro"]["format"]
    with pytest.raises(InvalidValue, match="missing"):
        from_nir(graph)


def test_arguments_that_contradict_the_file_are_refused() -> None:
    graph = to_nir(small())
    assert from_nir(graph, clock=CLOCK) == small()
    with pytest.raises(InvalidValue, match="clock"):
        from_nir(graph, clock=Clock(2 * ms))
    with pytest.raises(InvalidValue, match="dt"):
        from_nir(graph, dt=1e-4)


def test_a_file_without_metadata_needs_a_clock(tmp_path: Path) -> None:
    graph = to_nir(small())
    graph.metadata.clear()
    nir.write(tmp_path / "bare.nir", graph)
    with pytest.raises(InvalidValue, match=r"pass e.g. clock=Clock\(1 \* ms\)"):
        read_nir(tmp_path / "bare.nir")
    with pytest.raises(InvalidValue, match="above 0"):
        read_nir(tmp_path / "bare.nir", dt=-1.0)


# -- damaged files ------------------------------------------------------------------------------


def test_a_truncated_file_is_corrupt_wherever_it_is_cut(tmp_path: Path) -> None:
    whole, cut = tmp_path / "net.nir", tmp_path / "cut.nir"
    write_nir(small(), whole)
    data = whole.read_bytes()
    for length in [0, 1, 8, 100, 512, *range(1000, len(data), len(data) // 12), len(data) - 1]:
        cut.write_bytes(data[:length])
        with pytest.raises(CorruptFile, match=r"cut\.nir: .*Remedy"):
            read_nir(cut)


def test_flipped_bytes_are_noticed_or_harmless(tmp_path: Path) -> None:
    whole, bad = tmp_path / "net.nir", tmp_path / "bad.nir"
    network = small()
    write_nir(network, whole)
    data = whole.read_bytes()
    noticed = 0
    for position in np.random.default_rng(0).integers(0, len(data), 60):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        bad.write_bytes(damaged)
        try:
            assert read_nir(bad) == network, position
        except (CorruptFile, Unsupported, InvalidValue):
            noticed += 1
    assert noticed > 0


@pytest.mark.parametrize("content", [b"", b"not a file of ours", b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_a_file_of_another_kind_is_corrupt(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.nir").write_bytes(content)
    with pytest.raises(CorruptFile, match=r"x\.nir"):
        read_nir(tmp_path / "x.nir")


def test_an_hdf5_file_without_a_graph_is_corrupt(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.nir", "w") as file:
        file["weights"] = np.ones(3)
    with pytest.raises(CorruptFile, match="not a NIR file"):
        read_nir(tmp_path / "x.nir")


def test_missing_files_are_the_operating_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_nir(tmp_path / "nothing.nir")
    with pytest.raises(IsADirectoryError):
        read_nir(tmp_path)


def test_a_node_type_from_a_newer_nir_is_named(tmp_path: Path) -> None:
    write_nir(small(), tmp_path / "net.nir")
    with h5py.File(tmp_path / "net.nir", "r+") as file:
        del file["node/nodes/hid2/type"]
        file["node/nodes/hid2/type"] = "Astrocyte"
    with pytest.raises(Unsupported, match=r"'hid2'.*Astrocyte"):
        read_nir(tmp_path / "net.nir")
