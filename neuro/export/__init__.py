"""Networks as files that other programs read."""

from neuro.export.delay_limits import DelayViolation as DelayViolation
from neuro.export.delay_limits import check_delays as check_delays
from neuro.export.delay_limits import require_delays as require_delays
from neuro.export.nir import from_nir as from_nir
from neuro.export.nir import read_nir as read_nir
from neuro.export.nir import to_nir as to_nir
from neuro.export.nir import write_nir as write_nir
from neuro.export.nir_delays import DelayReport as DelayReport
from neuro.export.nir_delays import lowering as lowering

__all__ = [
    "DelayReport",
    "DelayViolation",
    "check_delays",
    "from_nir",
    "lowering",
    "read_nir",
    "require_delays",
    "to_nir",
    "write_nir",
]
