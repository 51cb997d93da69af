"""Series that are hard to foresee: Mackey-Glass, NARMA and Lorenz."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.synthetic._checks import above, generator, real, whole

Series = NDArray[np.float64]
_HUGE = 1e6


def mackey_glass(
    steps: int,
    *,
    tau: float = 17.0,
    beta: float = 0.2,
    gamma: float = 0.1,
    power: float = 10.0,
    step: float = 1.0,
    substeps: int = 10,
    start: float = 1.2,
    spread: float = 0.0,
    discard: int = 0,
    seed: int = 0,
) -> Series:
    """The Mackey-Glass equation, [steps]: chaotic for tau above about 16.8.

        dx/dt = beta x(t - tau) / (1 + x(t - tau)^power) - gamma x(t)

    Integrated by the classical Runge-Kutta method of order 4 with h = step / substeps. The delayed
    value in the middle of a step comes from the cubic Hermite polynomial through the two
    neighbouring points and slopes, so the whole scheme keeps order 4. Before t = 0, x is
    constant. The first value is x(discard * step); x(0) = start with discard = 0.

    Args:
        steps: values to return.
        tau: delay, a whole number of h.
        beta, gamma, power: of the equation.
        step: time from one value to the next.
        substeps: Runge-Kutta steps from one value to the next.
        start: constant history, >= 0.
        spread: half width of a uniform random shift of the history, one number.
        discard: values to leave out first, e.g. 500 for the attractor itself.
        seed: of the shift; without effect if `spread` is 0.

    Raises:
        InvalidValue: an argument is out of range, or tau is not a whole number of h.

    Source: Mackey & Glass, Science 197 (1977), eq. 4b; the parameters are those of Jaeger & Haas,
    Science 304 (2004).
    """
    where = "mackey_glass"
    count = whole(f"{where}.steps", steps) + whole(f"{where}.discard", discard, 0)
    fine = whole(f"{where}.substeps", substeps)
    h = above(f"{where}.step", step) / fine
    lag = round(above(f"{where}.tau", tau) / h)
    if lag < 1 or abs(lag * h - tau) > 1e-9 * tau:
        raise InvalidValue(
            f"{where}.tau: got {tau:g}, expected a whole number of h = step / substeps = {h:g}. "
            "Choose step and substeps to fit"
        )
    real(f"{where}.spread", spread)
    shift = generator(where, seed).uniform(-1, 1) * spread
    past = real(f"{where}.start", start + shift, 0, _HUGE)

    def growth(delayed: float) -> float:
        return beta * delayed / (1 + delayed**power)

    total = (count - 1) * fine
    x, slope = [past], [growth(past) - gamma * past]
    for i in range(total):
        k = i - lag  # the delayed value lies between points k and k + 1
        if k < 0:
            a = b = middle = past
        else:
            a, b = x[k], x[k + 1]
            middle = (a + b) / 2 + h * (slope[k] - slope[k + 1]) / 8
        g0, g1, g2 = growth(a), growth(middle), growth(b)
        now = x[i]
        k1 = g0 - gamma * now
        k2 = g1 - gamma * (now + h / 2 * k1)
        k3 = g1 - gamma * (now + h / 2 * k2)
        k4 = g2 - gamma * (now + h * k3)
        x.append(now + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
        slope.append(g2 - gamma * x[-1])
        if not 0 <= x[-1] < _HUGE:  # the equation itself keeps x above 0 and bounded
            raise InvalidValue(f"{where}: the series diverges; use a smaller step / substeps")
    return np.array(x)[::fine][discard:]


class Narma(NamedTuple):
    """An input and what the system makes of it."""

    input: Series  # u [T], uniform in [0, 0.5)
    target: Series  # y [T]; y[t] depends on u[0] ... u[t - 1]


def narma(steps: int, *, order: int = 10, saturate: bool | None = None, seed: int = 0) -> Narma:
    """The non-linear autoregressive moving average task of the given order.

        y(t+1) = 0.3 y(t) + 0.05 y(t) sum_{i=0}^{n-1} y(t-i) + 1.5 u(t-n+1) u(t) + 0.1

    with y(0) = 0 and u = y = 0 before. With `saturate` the sum is passed through tanh, without
    which high orders grow without bounds.

    Args:
        steps: T.
        order: n.
        saturate: by default for orders above 10.
        seed: of the input.

    Raises:
        InvalidValue: an argument is out of range, or the series diverges, which a few inputs of
            order 10 do: use another seed, or `saturate`.

    Source: Atiya & Parlos, IEEE Trans. Neural Networks 11 (2000), for order 10; Rodan &
    Tino, IEEE Trans. Neural Networks 22 (2011), for tanh.
    """
    where = "narma"
    count, n = whole(f"{where}.steps", steps), whole(f"{where}.order", order)
    bounded = n > 10 if saturate is None else saturate
    u = generator(where, seed).uniform(0, 0.5, count)
    return Narma(u, narma_response(u, order=n, saturate=bounded))


def narma_response(input: ArrayLike, *, order: int = 10, saturate: bool = False) -> Series:
    """The target y [T] of `narma` for a given input u [T]."""
    u = np.asarray(input, np.float64)
    if u.ndim != 1 or not np.isfinite(u).all():
        raise InvalidValue(f"narma_response.input: got shape {u.shape}, expected finite [T]")
    n = whole("narma_response.order", order)
    y = np.zeros(len(u))
    for t in range(len(u) - 1):
        recent = y[max(0, t - n + 1) : t + 1].sum()
        product = u[t - n + 1] * u[t] if t >= n - 1 else 0.0
        following = 0.3 * y[t] + 0.05 * y[t] * recent + 1.5 * product + 0.1
        y[t + 1] = np.tanh(following) if saturate else following
        if abs(y[t + 1]) > _HUGE:
            raise InvalidValue(
                f"narma: order {n} diverges at step {t + 1}. Use another seed or saturate=True"
            )
    return y


def lorenz(
    steps: int,
    *,
    sigma: float = 10.0,
    rho: float = 28.0,
    beta: float = 8 / 3,
    step: float = 0.02,
    substeps: int = 10,
    start: tuple[float, float, float] = (1.0, 1.0, 1.0),
    spread: float = 0.0,
    discard: int = 0,
    seed: int = 0,
) -> Series:
    """The Lorenz system, [steps, 3] for x, y, z.

        dx/dt = sigma (y - x),  dy/dt = x (rho - z) - y,  dz/dt = x y - beta z

    Integrated by the classical Runge-Kutta method of order 4 with h = step / substeps.

    Args:
        steps: values to return; the first one is the start with discard = 0.
        sigma, rho, beta: of the equations; the defaults are chaotic.
        step: time from one value to the next.
        substeps: Runge-Kutta steps from one value to the next.
        start: x, y, z at time 0.
        spread: half width of a uniform random shift of each of them.
        discard: values to leave out first.
        seed: of the shift; without effect if `spread` is 0.

    Raises:
        InvalidValue: an argument is out of range, or the steps are too long and the series
            diverges.

    Source: Lorenz, J. Atmos. Sci. 20 (1963), eqs. 25 to 27.
    """
    where = "lorenz"
    count = whole(f"{where}.steps", steps) + whole(f"{where}.discard", discard, 0)
    fine = whole(f"{where}.substeps", substeps)
    h = above(f"{where}.step", step) / fine
    real(f"{where}.spread", spread)
    shift = generator(where, seed).uniform(-1, 1, 3) * spread
    x, y, z = (np.array(start, np.float64) + shift).tolist()

    def slope(x: float, y: float, z: float) -> tuple[float, float, float]:
        return sigma * (y - x), x * (rho - z) - y, x * y - beta * z

    series = np.empty((count, 3))
    for i in range(count):
        series[i] = x, y, z
        if not np.isfinite(series[i]).all():
            raise InvalidValue(f"{where}: the series diverges; use a smaller step / substeps")
        for _ in range(fine):
            a = slope(x, y, z)
            b = slope(x + h / 2 * a[0], y + h / 2 * a[1], z + h / 2 * a[2])
            c = slope(x + h / 2 * b[0], y + h / 2 * b[1], z + h / 2 * b[2])
            d = slope(x + h * c[0], y + h * c[1], z + h * c[2])
            x += h / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0])
            y += h / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1])
            z += h / 6 * (a[2] + 2 * b[2] + 2 * c[2] + d[2])
    return series[discard:]
