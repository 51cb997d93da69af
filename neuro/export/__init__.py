"""Networks as files that other programs read."""

from neuro.export.nir import from_nir as from_nir
from neuro.export.nir import read_nir as read_nir
from neuro.export.nir import to_nir as to_nir
from neuro.export.nir import write_nir as write_nir

__all__ = ["from_nir", "read_nir", "to_nir", "write_nir"]
