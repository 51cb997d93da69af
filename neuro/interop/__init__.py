"""Networks to and from the models of other libraries, and records to their analysis tools."""

from neuro.interop.neo import from_neo as from_neo
from neuro.interop.neo import to_neo as to_neo
from neuro.interop.snntorch import from_snntorch as from_snntorch
from neuro.interop.snntorch import to_snntorch as to_snntorch

__all__ = ["from_neo", "from_snntorch", "to_neo", "to_snntorch"]
