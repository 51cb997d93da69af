"""Networks, records and data sets to and from other libraries."""

from neuro.interop.neo import from_neo as from_neo
from neuro.interop.neo import read_neo as read_neo
from neuro.interop.neo import to_neo as to_neo
from neuro.interop.snntorch import from_snntorch as from_snntorch
from neuro.interop.snntorch import to_snntorch as to_snntorch
from neuro.interop.tonic import from_tonic as from_tonic
from neuro.interop.tonic import to_tonic as to_tonic

__all__ = [
    "from_neo",
    "from_snntorch",
    "from_tonic",
    "read_neo",
    "to_neo",
    "to_snntorch",
    "to_tonic",
]
