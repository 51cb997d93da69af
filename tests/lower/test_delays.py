"""Products with delays against a loop over every event, and against a convolution in time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from neuro.lower import delay_kernels
from neuro.lower.delays import Wiring, convolved, delayed

WAYS = ["events", "terms", "convolution", None]


def one_by_one(x, lead, taps, start, wiring):
    """Every value of x sent along every tap: the definition, as a loop."""
    length, batch, _ = x.shape
    out = np.zeros((length - lead, batch, wiring.units[1]))
    for t, b, i in zip(*np.nonzero(x), strict=True):
        for s in np.flatnonzero(wiring.pre == i):
            for k in range(taps.shape[1]):
                arrival = t + start[s] + k - lead
                if 0 <= arrival < len(out):
                    out[arrival, b, wiring.post[s]] += taps[s, k] * x[t, b, i]
    return out


def problem(seed, *, batch=3, steps=9, past=False, pre=5, post=9, longest=4, taps=2, m=None,
            density=0.3, graded=False, dtype=torch.float64):  # fmt: skip
    rng = np.random.default_rng(seed)
    if m is None:
        wiring = Wiring.dense((pre, post), longest)
    else:
        pairs = rng.integers(0, pre, m), rng.integers(0, post, m)
        wiring = Wiring.of(*pairs, (pre, post), longest)
    lead = longest if past else 0
    x = (rng.random((lead + steps, batch, pre)) < density).astype(float)
    x = x * rng.uniform(0.5, 2, x.shape) if graded else x
    weights = rng.normal(size=(len(wiring.pre), taps))
    start = rng.integers(0, longest + 2 - taps, len(wiring.pre))
    return (torch.tensor(x, dtype=dtype), lead, torch.tensor(weights, dtype=dtype),
            torch.tensor(start), wiring)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "case",
    [
        {"taps": 1},
        {"taps": 2, "past": True, "graded": True},
        {"taps": 3, "longest": 11, "post": 17, "batch": 5},
        {"taps": 9, "longest": 9, "m": 20, "past": True},
        {"taps": 1, "longest": 0, "steps": 1, "batch": 1, "pre": 1, "post": 1, "density": 1.0},
        {"taps": 2, "m": 7, "steps": 2, "longest": 30, "past": True},
        {"taps": 2, "density": 0.0},
    ],
    ids=["one", "past", "many", "sparse", "smallest", "short", "silent"],
)
def test_spikes_arrive_as_sent_one_by_one(case, way):
    x, lead, taps, start, wiring = problem(3, **case)
    out = delayed(x, lead, taps, start, wiring, way)
    expected = one_by_one(x.numpy(), lead, taps.numpy(), start.numpy(), wiring)
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("past", [False, True], ids=["silent past", "past"])
@pytest.mark.parametrize("taps", [1, 4])
def test_gradients_agree_with_finite_differences(way, past, taps):
    x, lead, weights, start, wiring = problem(
        5, batch=2, steps=5, pre=3, post=4, past=past, taps=taps, graded=True, density=0.5
    )

    def current(x, weights):
        return delayed(x, lead, weights, start, wiring, way)

    assert torch.autograd.gradcheck(current, (x.requires_grad_(), weights.requires_grad_()))


def test_equals_a_dense_convolution_to_one_part_in_a_hundred_thousand():
    """The layer of the benchmark, written as torch.nn.functional.conv1d of a padded input."""
    rng = torch.Generator().manual_seed(0)
    pre, post, longest, batch, steps = 140, 64, 24, 16, 100
    x = (torch.rand(steps, batch, pre, generator=rng) < 0.05).float()
    wiring = Wiring.dense((pre, post), longest)
    start = torch.randint(0, longest - 3, (pre * post,), generator=rng)
    taps = torch.randn(pre * post, 5, generator=rng)
    kernel = torch.zeros(post, pre, longest + 1)
    for s, (o, i) in enumerate(np.ndindex(post, pre)):
        for k in range(5):
            kernel[o, i, longest - int(start[s]) - k] = taps[s, k]
    expected = functional.conv1d(functional.pad(x.permute(1, 2, 0), (longest, 0)), kernel)
    for way in WAYS:
        out = delayed(x, 0, taps, start, wiring, way).permute(1, 2, 0)
        assert (out - expected).abs().max() < 1e-5 * expected.abs().max()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6), batch=st.integers(1, 9), steps=st.integers(1, 20),
    pre=st.integers(1, 12), post=st.integers(1, 19), longest=st.integers(0, 20),
    taps=st.integers(1, 10), past=st.booleans(), m=st.none() | st.integers(1, 30),
)  # fmt: skip
def test_all_ways_agree_whatever_the_sizes(seed, batch, steps, pre, post, longest, taps, past, m):
    x, lead, weights, start, wiring = problem(
        seed, batch=batch, steps=steps, pre=pre, post=post, longest=longest,
        taps=min(taps, longest + 1), past=past, m=m,
    )  # fmt: skip
    results = []
    for way in ("convolution", "events", "terms"):
        a, b = x.clone().requires_grad_(), weights.clone().requires_grad_()
        out = delayed(a, lead, b, start, wiring, way)
        out.backward(torch.cos(torch.arange(out.numel()).double()).reshape(out.shape))
        results.append((out.detach(), a.grad, b.grad))
    for result in results[1:]:
        for ours, expected in zip(result, results[0], strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("way", ["events", "terms"])
def test_results_do_not_depend_on_the_number_of_threads(way):
    x, lead, taps, start, wiring = problem(9, batch=21, steps=40, pre=30, post=40, longest=12,
                                           taps=3, dtype=torch.float32)  # fmt: skip
    threads, found = torch.get_num_threads(), []
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            a, b = x.clone().requires_grad_(), taps.clone().requires_grad_()
            out = delayed(a, lead, b, start, wiring, way)
            out.square().sum().backward()
            found.append((out.detach(), a.grad, b.grad))
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        assert all(torch.equal(p, q) for p, q in zip(found[0], other, strict=True))


def test_half_precision_and_compiled_graphs_take_the_convolution():
    x, lead, taps, start, wiring = problem(1, dtype=torch.float32)
    low = delayed(x.bfloat16(), lead, taps.bfloat16(), start, wiring)
    assert low.dtype == torch.bfloat16
    torch.testing.assert_close(low.float(), convolved(x, lead, taps, start, wiring), atol=0.1,
                               rtol=0.05)  # fmt: skip


@pytest.mark.parametrize("graded", [False, True], ids=["ones", "graded"])
def test_kernels_are_what_their_lines_say(graded):
    """Compiled, and as the same lines run by Python."""
    x, _, taps, _, wiring = problem(2, batch=3, steps=6, pre=4, post=9, longest=3, graded=graded,
                                    dtype=torch.float32)  # fmt: skip
    x, g = x.numpy(), np.random.default_rng(0).random((6, 3, 9)).astype(np.float32)
    first, m = wiring.first_pre, len(wiring.pre)
    width = 6 + 3 + 2
    place = (wiring.post * width)[wiring.by_pre] + np.arange(m) % 2
    spread = np.ascontiguousarray(taps.numpy()[wiring.by_pre]).reshape(-1)
    stretches = (wiring.pre * 9)[wiring.by_post] + 3 - np.arange(m) % 3
    found = []
    for run in (lambda k: k, lambda k: k.py_func):
        counts, other = np.zeros(3, np.int64), np.zeros(3, bool)
        run(delay_kernels.count)(x, counts, other, 0, 3)
        starts = np.append(0, np.cumsum(counts))
        units, times = np.zeros(starts[-1], np.int32), np.zeros(starts[-1], np.int32)
        values = np.zeros(starts[-1] if other.any() else 0, np.float32)
        lists = (starts, units, times, values)
        run(delay_kernels.listed)(x, *lists, 0, 3)
        out, grad = np.zeros((6, 3, 9), np.float32), np.zeros((2, 2 * m), np.float32)
        run(delay_kernels.scatter)(out, *lists, first, place, spread, 2, width, 0, 0, 3)
        run(delay_kernels.gather)(grad, g, *lists, first, place, 2, width, 0, 2, 0, 2)
        moved, terms = np.zeros((6, 3, 9), np.float32), np.zeros((2, m), np.float32)
        coefficients = spread[::2].copy()
        run(delay_kernels.shift)(moved, x, 9, 3, wiring.first_post, stretches, coefficients, 0, 3)
        run(delay_kernels.correlate)(terms, x, g, 9, 3, wiring.first_post, stretches, 2, 0, 2)
        rows, back = np.zeros((3, 4 * 9), np.float32), np.zeros_like(x)
        run(delay_kernels.time_last)(x, rows, 9, 3, 0, 3)
        run(delay_kernels.time_first)(rows, 9, 3, back, 0, 3)
        np.testing.assert_array_equal(back, x)
        np.testing.assert_array_equal(rows.reshape(3, 4, 9)[..., 3:], x.transpose(1, 2, 0))
        found.append((counts, other, *lists, out, grad, moved, terms, rows))
    np.testing.assert_array_equal(found[0][0], (x != 0).sum((0, 2)))
    for compiled, lines in zip(*found, strict=True):
        np.testing.assert_allclose(compiled, lines, rtol=1e-5, atol=1e-6)
