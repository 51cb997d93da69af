"""Motion clouds: random textures with a given mean speed, direction and spatial frequency."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from neuro.synthetic._checks import above, generator, real, whole


def cloud_envelope(
    frames: int,
    height: int,
    width: int,
    *,
    velocity: tuple[float, float] = (1.0, 0.0),
    frequency: float = 0.125,
    orientation: float = 0.0,
    speed_bandwidth: float = 0.5,
    frequency_bandwidth: float = 0.1,
    orientation_bandwidth: float = 0.3,
) -> NDArray[np.float64]:
    """Fourier amplitude of a motion cloud on NumPy's `fftfreq` grid, [frames, height, width].

    The product of three envelopes over (f_t, f_y, f_x), with f_r = sqrt(f_x^2 + f_y^2):

        speed        exp(-(f_t + v_x f_x + v_y f_y)^2 / (2 (B_v f_r)^2))
        frequency    exp(-ln(f_r / f_0)^2 / (2 ln(1 + B_f / f_0)^2)) / f_r
        orientation  exp(cos(2 (theta_f - theta)) / (4 B_theta^2))

    The largest value is 1; the constant component is 0. Along f_r the product peaks at
    f_0 exp(-s^2) with s = ln(1 + B_f / f_0), because of the factor 1 / f_r.

    Args:
        frames, height, width: of the video; it repeats without a seam in all three.
        velocity: (v_x, v_y) in pixels per frame, x to the right and y down the picture.
        frequency: f_0 in cycles per pixel, 0 < f_0 <= 0.5.
        orientation: theta in radians, of the texture's wave vector against x: 0 for upright
            stripes. Without influence if `orientation_bandwidth` is infinite.
        speed_bandwidth: B_v, spread of the speed in pixels per frame, > 0.
        frequency_bandwidth: B_f, spread of the frequency in cycles per pixel, > 0.
        orientation_bandwidth: B_theta in radians, > 0; math.inf for all orientations alike.

    Raises:
        InvalidValue: a count is below 1 or a bandwidth is not above 0.

    Source: Leon, Vanzetta, Masson & Perrinet, J. Neurophysiol. 107 (2012).
    """
    where = "cloud_envelope"
    sides = [
        whole(f"{where}.{name}", n)
        for name, n in (("frames", frames), ("height", height), ("width", width))
    ]
    f0 = above(f"{where}.frequency", frequency)
    real(f"{where}.frequency", frequency, 0, 0.5)
    b_v = above(f"{where}.speed_bandwidth", speed_bandwidth)
    b_f = above(f"{where}.frequency_bandwidth", frequency_bandwidth)
    ft, fy, fx = np.meshgrid(*map(np.fft.fftfreq, sides), indexing="ij", sparse=True)
    vx, vy = (real(f"{where}.velocity", v, -math.inf) for v in velocity)
    radius = np.sqrt(fx**2 + fy**2)
    radius[radius == 0] = np.inf  # no texture without a spatial frequency
    with np.errstate(invalid="ignore"):
        speed = -((ft + vx * fx + vy * fy) ** 2) / (2 * (b_v * radius) ** 2)
        ratio = np.log(radius / f0)
        spatial = -(ratio**2) / (2 * math.log1p(b_f / f0) ** 2) - np.log(radius)
    logarithm = speed + spatial
    if orientation_bandwidth != math.inf:
        b_theta = above(f"{where}.orientation_bandwidth", orientation_bandwidth)
        angle = np.arctan2(fy, fx) - real(f"{where}.orientation", orientation, -math.inf)
        logarithm = logarithm + np.cos(2 * angle) / (4 * b_theta**2)
    return np.exp(logarithm - logarithm.max())


def motion_cloud(
    frames: int,
    height: int,
    width: int,
    *,
    velocity: tuple[float, float] = (1.0, 0.0),
    frequency: float = 0.125,
    orientation: float = 0.0,
    speed_bandwidth: float = 0.5,
    frequency_bandwidth: float = 0.1,
    orientation_bandwidth: float = 0.3,
    seed: int = 0,
) -> NDArray[np.float64]:
    """One motion cloud, [frames, height, width], with mean 0 and standard deviation 1.

    Its Fourier amplitudes are those of `cloud_envelope` (made symmetric, as a real video needs)
    and its phases are random, so it moves on average by `velocity` and has no edges to follow.

    Args:
        frames, height, width, velocity, frequency, orientation, speed_bandwidth,
        frequency_bandwidth, orientation_bandwidth: as in `cloud_envelope`.
        seed: of the phases.

    Raises:
        InvalidValue: as `cloud_envelope`, or a bad seed.
    """
    envelope = cloud_envelope(
        frames, height, width, velocity=velocity, frequency=frequency, orientation=orientation,
        speed_bandwidth=speed_bandwidth, frequency_bandwidth=frequency_bandwidth,
        orientation_bandwidth=orientation_bandwidth,
    )  # fmt: skip
    # the phases of real white noise are uniform and those of -f are opposite to those of f
    noise = np.fft.fftn(generator("motion_cloud", seed).standard_normal(envelope.shape))
    phase = np.divide(noise, np.abs(noise), out=np.zeros_like(noise), where=noise != 0)
    cloud = np.fft.ifftn(envelope * phase).real
    return (cloud - cloud.mean()) / cloud.std()
