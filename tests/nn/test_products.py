"""Sparse products equal the dense ones of PyTorch, and are taken where they are meant to be."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neuro.errors import MissingExtra
from neuro.lower import choice, convolutions, products
from neuro.lower.convolutions import conv2d
from neuro.lower.products import linear
from neuro.lower.spikes import pack, unpack
from neuro.nn import Conv2d, Linear
from neuro.nn.connection import transmit
from neuro.synapses import Dense

Results = tuple[Tensor, ...]
dense_linear, dense_conv2d = torch.nn.functional.linear, torch.nn.functional.conv2d


@contextmanager
def sparse_always() -> Iterator[None]:
    """Whatever the size and density."""
    with patch.object(choice, "SMALL", 0), patch.object(choice, "pays", lambda *_: True):
        yield


def is_sparse(out: Tensor) -> bool:
    return out.grad_fn is not None and out.grad_fn.name() in ("_GatherBackward", "_StampBackward")


def spike_train(seed: int, shape: tuple[int, ...], density: float, graded: bool = False) -> Tensor:
    """Zeros and ones, or multiples of a quarter, for which float32 sums are exact."""
    g = torch.Generator().manual_seed(seed)
    chosen = torch.rand(shape, generator=g) < density
    values = torch.randint(-8, 9, shape, generator=g) / 4 if graded else torch.ones(shape)
    return torch.where(chosen, values, 0.0)


def dyadic(seed: int, *shape: int) -> Tensor:
    """Multiples of 1/64 between -1 and 1: sums of a few thousand products are exact."""
    g = torch.Generator().manual_seed(seed)
    return torch.randint(-64, 65, shape, generator=g) / 64


def gradients(out: Tensor, by: Tensor, *leaves: Tensor | None) -> Results:
    found = torch.autograd.grad(out, [v for v in leaves if v is not None], by)
    return (out.detach(), *found)


def assert_equal(ours: Results, theirs: Results) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a, b), (a - b).abs().max()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    lead=st.lists(st.integers(1, 9), min_size=0, max_size=3),
    units=st.sampled_from([1, 7, 8, 63, 64, 65, 130]),
    width=st.integers(1, 40),
    density=st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    graded=st.booleans(),
    biased=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_linear_products_are_those_of_torch(
    seed: int, lead: list[int], units: int, width: int, density: float, graded: bool,
    biased: bool, dtype: torch.dtype,
) -> None:  # fmt: skip
    x = spike_train(seed, (*lead, units), density, graded).to(dtype).requires_grad_()
    weight = dyadic(seed, width, units).to(dtype).requires_grad_()
    bias = dyadic(seed + 1, width).to(dtype).requires_grad_() if biased else None
    by = dyadic(seed + 2, *lead, width).to(dtype)
    with sparse_always(), patch.object(products, "TILE", 1):  # tiles of a few rows
        out = linear(x, weight, bias)
        assert is_sparse(out)
        ours = gradients(out, by, x, weight, bias)
    assert_equal(ours, gradients(dense_linear(x, weight, bias), by, x, weight, bias))


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    images=st.integers(1, 20),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 5)),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    taps=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=pairs,
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    density=st.sampled_from([0.0, 0.05, 1.0]),
    graded=st.booleans(),
    biased=st.booleans(),
)
def test_convolutions_are_those_of_torch(
    seed: int, images: int, channels: tuple[int, int], size: tuple[int, int],
    taps: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], density: float,
    graded: bool, biased: bool,
) -> None:  # fmt: skip
    fitting = tuple(min(k, n + 2 * p) for k, n, p in zip(taps, size, padding, strict=True))
    x = spike_train(seed, (images, channels[0], *size), density, graded).requires_grad_()
    weight = dyadic(seed, channels[1], channels[0], *fitting).requires_grad_()
    bias = dyadic(seed + 1, channels[1]).requires_grad_() if biased else None
    options = (stride, padding, (1, 1), 1)
    expected = dense_conv2d(x, weight, bias, *options)
    by = dyadic(seed + 2, *expected.shape)
    with sparse_always():
        out = conv2d(x, weight, bias, *options)
        assert is_sparse(out)
        ours = gradients(out, by, x, weight, bias)
    assert_equal(ours, gradients(expected, by, x, weight, bias))


def linear_case(density: float = 0.02) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Two and a half times as large as needed to look for zeros."""
    torch.manual_seed(0)
    x = spike_train(1, (10, 50, 350), density)
    weight, bias = torch.randn(1000, 350), torch.randn(1000)
    return x, weight.requires_grad_(), bias.requires_grad_(), torch.randn(10, 50, 1000)


def conv_case(density: float = 0.02) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    x = spike_train(1, (160, 2, 34, 34), density)
    weight, bias = torch.randn(16, 2, 5, 5), torch.randn(16)
    return x, weight.requires_grad_(), bias.requires_grad_(), torch.randn(160, 16, 30, 30)


def test_any_weights_give_the_dense_product_up_to_rounding() -> None:
    x, weight, bias, by = linear_case()
    conv = conv_case()
    plain = ((1, 1), (0, 0), (1, 1), 1)
    for ours, theirs, leaves, g in (
        (linear(x, weight, bias), dense_linear(x, weight, bias), (weight, bias), by),
        (conv2d(*conv[:3], *plain), dense_conv2d(*conv[:3], *plain), conv[1:3], conv[3]),
    ):
        assert is_sparse(ours)
        pairs = zip(gradients(ours, g, *leaves), gradients(theirs, g, *leaves), strict=True)
        for a, b in pairs:
            assert (a - b).abs().max() <= 1e-5 * b.abs().max()


def test_the_number_of_threads_changes_no_bit() -> None:
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            (x, w, b, g), (cx, cw, cb, cg) = linear_case(), conv_case()
            out = linear(0.3 * x, w, b), conv2d(cx, cw, cb, (1, 1), (0, 0), (1, 1), 1)
            assert is_sparse(out[0]) and is_sparse(out[1])
            results.append((*gradients(out[0], g, w), *gradients(out[1], cg, cw)))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert_equal(other, results[0])


def test_density_decides() -> None:
    assert is_sparse(linear(*linear_case(0.2)[:3]))
    assert not is_sparse(linear(*linear_case(0.5)[:3]))
    assert is_sparse(conv2d(*conv_case(0.1)[:3], (1, 1), (0, 0), (1, 1), 1))
    assert not is_sparse(conv2d(*conv_case(0.7)[:3], (1, 1), (0, 0), (1, 1), 1))


def test_a_misleading_sample_is_found_out() -> None:
    x, weight, bias, _ = linear_case(1.0)
    x.view(-1, 350)[::4] = 0  # every row that is looked at first
    assert not is_sparse(linear(x, weight, bias))


def test_layers_and_networks_take_the_sparse_way() -> None:
    x, weight, bias, _ = linear_case()
    layer = Linear(350, 1000)
    assert is_sparse(layer(x))
    frames = conv_case()[0].unflatten(0, (10, 16))
    assert Conv2d(2, 16, 5)(frames).grad_fn.next_functions[0][0].name() == "_StampBackward"
    arrays = {"weight": weight, "bias": bias}
    topology = Dense(weight.detach().numpy(), bias.detach().numpy())
    assert is_sparse(transmit(topology, arrays, x, 1))


def test_what_is_kept_for_the_gradient_is_bits() -> None:
    x, weight, bias, _ = linear_case()
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        linear(x, weight, bias)
    assert 0 < sum(t.numel() * t.element_size() for t in kept) < x.numel() * 4 / 28


def test_spikes_may_lie_in_any_order_in_memory() -> None:
    x, weight, bias, by = linear_case()
    out = linear(x.transpose(0, 1), weight, bias)
    assert is_sparse(out) and torch.equal(out, linear(x, weight, bias).transpose(0, 1))
    turned = by.transpose(0, 1).contiguous().transpose(0, 1)
    first, second = (torch.autograd.grad(linear(x, weight, bias), weight, g) for g in (by, turned))
    assert torch.equal(first[0], second[0])


def test_no_spikes_and_no_samples() -> None:
    x, weight, bias, by = linear_case(0.0)
    out, grad = gradients(linear(x, weight, bias), by, weight)
    assert torch.equal(out, bias.detach().expand_as(out)) and not grad.any()
    assert linear(x[:0], weight, bias).shape == (0, 50, 1000)
    images, taps = conv_case()[:2]
    assert conv2d(images[:0], taps, None, (1, 1), (0, 0), (1, 1), 1).shape == (0, 16, 30, 30)


def test_an_undefined_input_shows_in_its_own_row_only() -> None:
    x, weight, bias, _ = linear_case()
    x[3, 4, 5] = float("nan")
    out = linear(x, weight, bias)
    assert is_sparse(out)
    assert out[3, 4].isnan().all() and out.isnan().sum() == 1000


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own
def test_everything_else_is_left_to_torch() -> None:
    x, weight, bias, _ = linear_case()
    with torch.autocast("cpu", torch.bfloat16):
        assert linear(x, weight, bias).dtype == torch.bfloat16
    assert not is_sparse(linear(x.bfloat16(), weight.bfloat16(), bias.bfloat16()))
    mapped = torch.func.vmap(lambda step: linear(step, weight, bias))(x.repeat(1, 10, 1))
    torch.testing.assert_close(mapped[:, :50], dense_linear(x, weight, bias))
    _, tangent = torch.func.jvp(lambda w: linear(x, w, None), (weight,), (weight,))
    torch.testing.assert_close(tangent, dense_linear(x, weight))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        linear(x[..., 1:], weight, bias)
    images, taps = conv_case()[:2]
    for options in (((1, 1), (0, 0), (2, 2), 1), ((1, 1), (0, 0), (1, 1), 2)):
        part = taps[:, : 2 // options[3]]
        out = conv2d(images, part, None, *options)
        assert torch.equal(out, dense_conv2d(images, part, None, *options))


def test_padding_by_name_or_by_reflection_is_kept() -> None:
    x = spike_train(0, (5, 3, 2, 9, 9), 0.1)
    for options in ({"padding": "same"}, {"padding": 2, "padding_mode": "reflect"}):
        layer = Conv2d(2, 3, 5, **options)
        expected = torch.nn.Conv2d.forward(layer, x.flatten(0, 1)).unflatten(0, (5, 3))
        torch.testing.assert_close(layer(x), expected)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 2**31), st.integers(0, 30), st.sampled_from([1, 8, 63, 64, 65, 200]),
    st.sampled_from([0.0, 0.1, 1.0]), st.booleans(),
)  # fmt: skip
def test_packing_loses_nothing(
    seed: int, rows: int, units: int, density: float, graded: bool
) -> None:
    x = spike_train(seed, (rows, units), density, graded)
    packed = pack(x)
    assert torch.equal(unpack(packed), x)
    assert packed.counts.tolist() == x.count_nonzero(1).tolist()
    assert packed.bits.numel() * 8 <= rows * (units / 8 + 8)


def test_numba_waits_until_it_is_needed() -> None:
    code = (
        "import sys, torch, neuro.nn as n; n.Linear(9, 9)(torch.zeros(2, 2, 9));"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_numba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(MissingExtra, match=r"neuro\[train\]"):
        linear(*linear_case()[:3])


@pytest.mark.parametrize(
    ("channels", "sides", "out", "kernel", "stride", "padding"),
    [
        (3, (9, 11), 4, (3, 3), (1, 1), (0, 0)),
        (2, (10, 9), 5, (3, 2), (2, 3), (1, 0)),
        (4, (7, 7), 3, (5, 5), (1, 2), (2, 4)),
        (1, (5, 6), 2, (5, 6), (1, 1), (0, 0)),
        (2, (8, 8), 2, (1, 1), (3, 3), (0, 0)),
    ],
)
def test_the_input_gradient_of_a_convolution_is_that_of_pytorch(
    channels: int, sides: tuple[int, int], out: int, kernel: tuple[int, int],
    stride: tuple[int, int], padding: tuple[int, int], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(convolutions, "TOGETHER", 1000)  # so that images come in several parts
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(7, channels, *sides, generator=generator, dtype=torch.float64)
    weight = torch.rand(out, channels, *kernel, generator=generator, dtype=torch.float64)
    x.requires_grad_()
    y = torch.nn.functional.conv2d(x, weight, stride=stride, padding=padding)
    g = torch.rand(y.shape, generator=generator, dtype=torch.float64)
    (wanted,) = torch.autograd.grad(y, x, g)
    given = convolutions.input_gradient(tuple(x.shape), weight, g, stride, padding)
    torch.testing.assert_close(given, wanted, rtol=1e-12, atol=1e-12)
