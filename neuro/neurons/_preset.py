"""Published parameter sets of a neuron, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from neuro.errors import UnknownName


class Presets:
    """Mixed into a neuron class that has sets of parameters from the literature."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]]  # name -> fields of the neuron

    @classmethod
    def preset(cls, name: str, shape: int | tuple[int, ...] = (), **changes: Any) -> Self:
        """A population with the published parameters of that name, some of them changed.

        Raises:
            UnknownName: there is no such set; `presets` lists them.
        """
        if name not in cls.presets:
            raise UnknownName(f"{cls.__name__}.preset", name, cls.presets)
        return cls(shape, **{**cls.presets[name], **changes})  # type: ignore[call-arg]
