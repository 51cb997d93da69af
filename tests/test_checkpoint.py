"""Native files: exact, whole or not at all, and never a way to run code."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from collections import OrderedDict
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import safe_open

from neuro import checkpoint
from neuro.build import conv, dense, feedforward
from neuro.checkpoint import load_network, load_tree, save_network, save_tree
from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue, UnknownName
from neuro.network import Network
from neuro.neurons import ALIF, LI, LIF
from neuro.units import ms


def network(seed: int = 0) -> Network:
    return feedforward(
        (2, 6, 6), conv(3, bias=True), LIF(tau_mem=7 * ms, reset="subtract"), dense(delay=2 * ms),
        ALIF(5, tau_adapt=np.linspace(0.1, 0.3, 5)), LI(2), clock=Clock(1 * ms), seed=seed,
    )  # fmt: skip


# -- networks -----------------------------------------------------------------------------------


def test_a_network_comes_back_equal(tmp_path: Path) -> None:
    save_network(network(), tmp_path / "net.safetensors")
    assert load_network(tmp_path / "net.safetensors") == network()


def test_the_file_is_plain_safetensors_with_json_in_its_header(tmp_path: Path) -> None:
    save_network(network(), tmp_path / "net.safetensors")
    with safe_open(tmp_path / "net.safetensors", framework="numpy") as file:
        structure = json.loads(file.metadata()["structure"])
        weight = file.get_tensor("in->hid1.weight")
    assert structure["populations"]["hid1"]["parameters"]["tau_mem"] == 0.007
    np.testing.assert_array_equal(weight, network().synapses[0].topology.arrays()["weight"])


class Quiet(LIF):
    """A class of one's own."""


def test_classes_of_ones_own_are_passed_by_name(tmp_path: Path) -> None:
    mine = feedforward(3, Quiet(2), clock=Clock(1 * ms), seed=0)
    save_network(mine, tmp_path / "mine.safetensors")
    with pytest.raises(UnknownName, match=r"'out'.*neurons=.*'Quiet'") as error:
        load_network(tmp_path / "mine.safetensors")
    assert any("mine.safetensors" in note for note in error.value.__notes__)
    again = load_network(tmp_path / "mine.safetensors", neurons={"Quiet": Quiet})
    assert again == mine
    assert type(again.populations["out"]) is Quiet


def test_a_structure_that_describes_no_network_is_corrupt(tmp_path: Path) -> None:
    mine = feedforward(3, Quiet(2), clock=Clock(1 * ms), seed=0)
    save_network(mine, tmp_path / "mine.safetensors")
    with pytest.raises(CorruptFile, match=r"mine\.safetensors: does not describe a network.*beta"):
        load_network(tmp_path / "mine.safetensors", neurons={"Quiet": Bounded})


class Bounded(LIF):
    """A LIF that knows no parameter but one."""

    def __post_init__(self) -> None:
        raise InvalidValue("Bounded.beta: got 3")


# -- trees --------------------------------------------------------------------------------------


def same(a: Any, b: Any) -> bool:
    """Equal in type, order and every bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        pairs = zip(a.items(), b.items(), strict=True) if len(a) == len(b) else [(0, 1)]
        return all(same(x, y) for x, y in pairs)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        bits = (
            a.detach().contiguous().reshape(-1).view(torch.uint8),
            b.reshape(-1).view(torch.uint8),
        )
        return a.dtype == b.dtype and a.shape == b.shape and torch.equal(*bits)
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (
            a == b and math.copysign(1, a) == math.copysign(1, b)
        )
    return a == b


dtypes = st.sampled_from(["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"])
arrays = dtypes.flatmap(lambda d: hnp.arrays(np.dtype(d), hnp.array_shapes(min_dims=0, min_side=0)))
tensors = st.tuples(
    st.sampled_from([torch.bool, torch.int64, torch.float64, torch.bfloat16, torch.float16]),
    st.lists(st.integers(0, 3), max_size=3),
).map(lambda c: (torch.arange(math.prod(c[1])).reshape(c[1]) * 1.7 - 2).to(c[0]))
values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
scalars = st.floats(width=32).map(np.float32) | st.integers(-9, 9).map(np.int64)
keys = st.text(max_size=4) | st.integers() | st.booleans() | st.none() | st.just("$tuple")
trees = st.recursive(
    values | arrays | scalars | tensors,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys | st.tuples(st.integers(), st.text(max_size=2)), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(tree=trees)
@settings(max_examples=150, deadline=None)
def test_any_tree_comes_back_exactly(tmp_path_factory: pytest.TempPathFactory, tree: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "tree.safetensors"
    save_tree(path, tree)
    assert same(load_tree(path), tree)


def test_training_state_of_pytorch_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    optimiser = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99))
    model(torch.randn(5, 3)).sum().backward()
    optimiser.step()
    state = {
        "model": model.state_dict(), "optimiser": optimiser.state_dict(),
        "torch": torch.get_rng_state(), "numpy": np.random.default_rng(3).bit_generator.state,
        "python": random.Random(1).getstate(), "best": float("-inf"),
    }  # fmt: skip
    save_tree(tmp_path / "state", state)
    again = load_tree(tmp_path / "state")
    assert again["optimiser"]["state"].keys() == {0, 1, 2, 3}
    assert same(again["python"], state["python"]) and same(again["numpy"], state["numpy"])
    fresh = torch.optim.Adam(model.parameters())
    fresh.load_state_dict(again["optimiser"])
    assert same(fresh.state_dict(), optimiser.state_dict())
    model.load_state_dict(again["model"])
    assert torch.equal(again["torch"], state["torch"])


def test_tensors_that_share_memory_or_are_views_are_kept_apart(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    save_tree(tmp_path / "t", {"a": weight, "b": weight, "c": weight.T, "d": weight[:, 1]})
    again = load_tree(tmp_path / "t")
    again["a"].add_(1)
    assert torch.equal(again["b"], weight.detach()) and torch.equal(again["c"], weight.detach().T)
    assert not again["a"].requires_grad


def test_arrays_of_any_layout_come_back_by_value(tmp_path: Path) -> None:
    grid = np.arange(12.0).reshape(3, 4)
    tree = [grid.T, grid[:, ::2], np.asfortranarray(grid), grid.astype(">f4"), np.array(3.0)]
    save_tree(tmp_path / "t", tree)
    for a, b in zip(tree, load_tree(tmp_path / "t"), strict=True):
        np.testing.assert_array_equal(a, b, strict=False)
        assert a.shape == b.shape


def test_an_ordered_dict_comes_back_as_a_dict(tmp_path: Path) -> None:
    save_tree(tmp_path / "t", OrderedDict(b=1, a=2))
    assert list(load_tree(tmp_path / "t").items()) == [("b", 1), ("a", 2)]


class Colour(IntEnum):
    RED = 1


class Point(NamedTuple):
    x: int


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1, 2}, "builtins.set"), (Colour.RED, "Colour"), (Point(1), "Point"),
        (lambda: 0, "function"), (object, "builtins.type"), (1j, "complex"),
        (np.array(["a"]), "dtype str"), (np.array([1j]), "complex128"),
        (torch.tensor([1j], dtype=torch.complex128), "complex128"),
        (torch.eye(2).to_sparse(), "to_dense"),
    ],
)  # fmt: skip
def test_other_types_are_refused_with_the_path_to_them(
    tmp_path: Path, value: Any, words: str
) -> None:
    save_tree(tmp_path / "t", "old")
    with pytest.raises(InvalidValue) as error:
        save_tree(tmp_path / "t", {"a": [0, {"b c": (1, value)}]})
    assert str(error.value).startswith("tree['a'][1]['b c'][1]: ")
    assert words in str(error.value)
    with pytest.raises(InvalidValue, match="tree key"):
        save_tree(tmp_path / "t", {Colour.RED: 1})
    assert load_tree(tmp_path / "t") == "old"


def test_arrays_alone_need_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np; from neuro.checkpoint import save_tree, load_tree\n"
        "save_tree(sys.argv[1], {'a': np.ones(3)}); assert load_tree(sys.argv[1])['a'].sum() == 3\n"
    )
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "t")], check=True, cwd=root)


# -- damage and interrupts ------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupt_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "net.safetensors"
    save_network(network(0), path)

    def half(self: Path, data: bytes) -> int:
        with open(self, "wb") as file:
            file.write(data[: len(data) // 2])
        raise error

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(type(error)):
        save_network(network(1), path)
    with pytest.raises(type(error)):
        save_tree(tmp_path / "new", [1])
    assert load_network(path) == network(0)
    assert [p.name for p in tmp_path.iterdir()] == ["net.safetensors"]


@pytest.mark.parametrize("kind", ["network", "numpy", "torch"])
def test_truncation_and_every_kind_of_flipped_byte_are_corrupt(tmp_path: Path, kind: str) -> None:
    path, bad = tmp_path / "file", tmp_path / "bad"
    if kind == "network":
        save_network(network(), path)
    else:
        leaf = np.arange(50.0) if kind == "numpy" else torch.arange(50.0)
        save_tree(path, {"a": leaf, "b": [1, (2.5, "x")]})
    load = load_network if kind == "network" else load_tree
    data = path.read_bytes()
    for length in [0, 1, 7, 8, 20, len(data) // 2, len(data) - 1]:
        bad.write_bytes(data[:length])
        with pytest.raises(CorruptFile, match=r"bad: .*Remedy"):
            load(bad)
    header = 8 + int.from_bytes(data[:8], "little")
    rng = np.random.default_rng(0)
    positions = [*rng.integers(0, header, 40), *rng.integers(header, len(data), 20)]
    for position in positions:
        damaged = bytearray(data)
        damaged[position] ^= 0x04
        bad.write_bytes(damaged)
        try:
            again = load(bad)
        except (CorruptFile, UnknownName):
            continue
        # only the version of the writer is not part of the content
        assert again == network() if kind == "network" else repr(again) == repr(load(path))
        assert position < header


def test_files_of_another_kind_are_named(tmp_path: Path) -> None:
    save_network(network(), tmp_path / "net")
    save_tree(tmp_path / "tree", {"a": 1})
    with pytest.raises(CorruptFile, match=r"tree: format is 'neuro\.tree/1'"):
        load_network(tmp_path / "tree")
    with pytest.raises(CorruptFile, match=r"net: format is 'neuro\.network/1'"):
        load_tree(tmp_path / "net")
    (tmp_path / "pickle").write_bytes(b"\x80\x04\x95 not ours")
    with pytest.raises(CorruptFile, match="pickle"):
        load_tree(tmp_path / "pickle")
    with pytest.raises(FileNotFoundError):
        load_tree(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        load_network(tmp_path)


def test_arrays_of_one_file_cannot_pass_for_those_of_another(tmp_path: Path) -> None:
    """The JSON of one network over the tensors of another is noticed."""
    save_network(network(0), tmp_path / "a")
    save_network(network(1), tmp_path / "b")
    a, b = (tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()
    start_a, start_b = (8 + int.from_bytes(d[:8], "little") for d in (a, b))
    (tmp_path / "mixed").write_bytes(a[:start_a] + b[start_b:])
    with pytest.raises(CorruptFile, match="sha256"):
        load_network(tmp_path / "mixed")


def test_the_module_imports_no_torch() -> None:
    code = "import sys, neuro.checkpoint; sys.exit('torch' in sys.modules)"
    root = Path(checkpoint.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
