"""Elementary functions against NumPy in extended precision, and their slopes."""

import numpy as np
import pytest
import torch

from neuro import ops

DTYPES = [torch.float32, torch.float64]


def error(name: str, x: torch.Tensor) -> float:
    """Largest relative error, in units of the last place."""
    exact = getattr(np, name)(x.numpy().astype(np.longdouble))
    got = getattr(ops, name)(x).numpy()
    spacing = np.spacing(np.abs(exact).astype(got.dtype))
    return float(np.max(np.abs(got - exact) / spacing))


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_and_log_are_accurate_to_three_units_in_the_last_place(dtype: torch.dtype) -> None:
    limit = 80 if dtype == torch.float32 else 700
    assert error("exp", torch.linspace(-limit, limit, 100_001, dtype=dtype)) < 3
    x = torch.logspace(-30, 30, 100_000, dtype=dtype)
    assert error("log", x) < 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_and_sigmoid_are_accurate_absolutely(dtype: torch.dtype) -> None:
    x = torch.linspace(-20, 20, 100_001, dtype=dtype)
    bound = 4 * torch.finfo(dtype).eps
    assert (ops.tanh(x) - x.double().tanh()).abs().max() < bound
    assert (ops.sigmoid(x) - x.double().sigmoid()).abs().max() < bound


def test_exp_saturates_instead_of_overflowing() -> None:
    y = ops.exp(torch.tensor([-1e9, 1e9]))
    assert bool(y.isfinite().all()) and 0 < y[0] < 1e-37 and y[1] > 1e38


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "log"])
def test_slopes_are_those_of_pytorch_also_at_zero(name: str) -> None:
    x = torch.tensor([-3.0, -0.5, 0.0, 0.25, 4.0], dtype=torch.float64)
    x = x.abs() + 0.1 if name == "log" else x
    ours, theirs = (
        torch.autograd.functional.jacobian(f, x) for f in (getattr(ops, name), getattr(torch, name))
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_round_takes_halves_to_even_and_passes_the_gradient_straight_through() -> None:
    x = torch.tensor([-2.5, -0.5, 0.4, 0.5, 1.5, 2.5], requires_grad=True)
    y = ops.round(x)
    assert y.tolist() == [-2, 0, 0, 0, 2, 2]
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [1] * 6


def test_a_format_without_tables_is_refused() -> None:
    with pytest.raises(TypeError, match="float16"):
        ops.exp(torch.zeros(2, dtype=torch.float16))
