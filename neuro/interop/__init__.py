"""Networks to and from the models of other libraries."""

from neuro.interop.snntorch import from_snntorch as from_snntorch
from neuro.interop.snntorch import to_snntorch as to_snntorch

__all__ = ["from_snntorch", "to_snntorch"]
