"""SI unit constants: `20 * ms` is 0.02, in seconds.

Quantities are plain floats in SI units, so the constants cost nothing in a hot loop.
"""

second: float = 1.0
ms: float = 1e-3
us: float = 1e-6
Hz: float = 1.0
kHz: float = 1e3  # noqa: N816 (the unit's own spelling)
