"""Networks as JSON-ready structure and named arrays: the parts of `Network.plain` and `diff`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from neuro import neurons as neuron_family
from neuro import sources as source_family
from neuro import synapses as topology_family
from neuro.distributions import Distribution
from neuro.distributions import from_plain as distribution_from_plain
from neuro.elements import Input, Synapse
from neuro.errors import UnknownName
from neuro.neurons import Neuron
from neuro.rules import Rule
from neuro.rules import from_plain as rule_from_plain
from neuro.sources import Source
from neuro.synapses import Topology


def look_up(value: float | str, arrays: Mapping[str, NDArray[Any]]) -> float | NDArray[Any]:
    """A number as it stands, or the array that a name stands for."""
    return arrays[value] if isinstance(value, str) else value


def make_population(
    name: str,
    entry: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    own: Mapping[str, type[Neuron]],
) -> Input | Neuron | Source:
    """A population from its entry of `Network.plain`."""
    shape = tuple(entry["shape"])
    if entry["type"] == "Input":
        return Input(shape)
    sources = {
        n: c
        for n, c in vars(source_family).items()
        if isinstance(c, type) and issubclass(c, Source) and c is not Source
    }
    if entry["type"] in sources and entry["type"] not in own:
        given = {k: look_up(v, arrays) for k, v in entry["parameters"].items()}
        return sources[entry["type"]](shape, **given, **entry["options"])
    known: dict[str, type[Neuron]] = {
        n: c
        for n, c in vars(neuron_family).items()
        if isinstance(c, type) and issubclass(c, Neuron) and c is not Neuron
    }
    classes = {**known, **own}
    if entry["type"] not in classes:
        raise UnknownName(
            f"neuron class of population {name!r} (pass your own classes as neurons={{...}})",
            entry["type"], classes,
        )  # fmt: skip
    values = {k: look_up(v, arrays) for k, v in entry["parameters"].items()}
    return classes[entry["type"]](shape, **values, **entry["options"])


def plain_options(topology: Topology) -> dict[str, Any]:
    """Options of a topology as JSON-ready values, those of a topology within it among them."""
    plain: dict[str, Any] = {}
    for name, value in topology.options().items():
        if isinstance(value, Topology):
            plain[name] = {"type": type(value).__name__, "options": plain_options(value)}
        else:
            plain[name] = value.plain() if isinstance(value, Distribution) else value
    return plain


def _topology(where: str, entry: Mapping[str, Any], named: Mapping[str, NDArray[Any]]) -> Topology:
    known = {
        n: c
        for n, c in vars(topology_family).items()
        if isinstance(c, type) and issubclass(c, Topology) and c is not Topology
    }
    if entry["type"] not in known:
        raise UnknownName(f"topology class of {where}", entry["type"], known)
    options: dict[str, Any] = {}
    for name, value in entry["options"].items():
        if isinstance(value, Mapping) and "type" in value:
            options[name], named = _topology(where, value, named), {}
        else:
            drawn = isinstance(value, Mapping)
            options[name] = distribution_from_plain(value) if drawn else value
    return known[entry["type"]](**named, **options)


def make_synapse(
    entry: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], own: Mapping[str, type[Rule]]
) -> Synapse:
    """A synapse from its entry of `Network.plain`."""
    named = {key: arrays[f"{entry['name']}.{key}"] for key in entry["arrays"]}
    topology = _topology(f"synapse {entry['name']!r}", entry, named)
    given = entry["delay"]
    delay = distribution_from_plain(given) if isinstance(given, Mapping) else look_up(given, arrays)
    rule = rule_from_plain(entry["rule"], own) if "rule" in entry else None
    return Synapse(
        entry["pre"], entry["post"], topology, delay, entry["port"], entry["name"], rule,
        entry.get("modulator", ""),
    )  # fmt: skip


def by_name(structure: dict[str, Any]) -> dict[str, Any]:
    """The structure with synapses by name, so that order does not matter."""
    return {**structure, "synapses": {s["name"]: s for s in structure["synapses"]}}


def changes(a: Any, b: Any, path: str) -> list[tuple[str, Any, Any]]:
    """Leaves in which two nested dictionaries differ; a side without the key shows as None."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = [*a, *(k for k in b if k not in a)]
        found: list[tuple[str, Any, Any]] = []
        for key in keys:
            skip = key in ("populations", "synapses", "parameters", "options")
            inner = path if skip else f"{path}.{key}".lstrip(".")
            if key not in a or key not in b:
                found.append((inner, "absent" if key not in a else "present",
                              "absent" if key not in b else "present"))  # fmt: skip
            else:
                found += changes(a[key], b[key], inner)
        return found
    return [] if a == b else [(path, a, b)]
