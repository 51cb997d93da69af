"""Connectomes: the cells of an animal and the synapses counted between them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuro.errors import CorruptFile, InvalidValue, UnknownName
from neuro.synapses import Sparse

# Families of C. elegans neurons by the first function that White et al. (1986) give them.
FAMILIES = {
    "sensory": "ADE ADF ADL AFD ALM ALN AQR ASE ASG ASH ASI ASJ ASK AVM AWA AWB AWC BAG CEP FLP "
    "IL1 IL2 OLL OLQ PDE PHA PHB PHC PLM PLN PQR PVD PVM SDQ URX URY",
    "inter": "ADA AIA AIB AIM AIN AIY AIZ ALA AUA AVA AVB AVD AVE AVF AVG AVH AVJ AVK BDU CAN DVA "
    "DVC I1 I2 I3 I4 I5 I6 LUA PVC PVN PVP PVQ PVR PVT PVW RIA RIB RIC RID RIF RIG RIH RIM RIP RIR "
    "RIS RMG SAA URB",
    "motor": "AS AVL DA DB DD DVB HSN M1 M2 M3 M4 M5 MC MI NSM PDA PDB RIV RMD RME RMF RMH SAB SIA "
    "SIB SMB SMD URA VA VB VC VD",
}
GABA = "AVL DD DVB RIS RME VD"  # the GABAergic families of McIntire et al., Nature 364 (1993)
_ROLE = {family: role for role, listed in FAMILIES.items() for family in listed.split()}
_CELL = re.compile(f"({'|'.join(sorted(_ROLE, key=len, reverse=True))})(\\d{{0,2}})([DV]?)([LR]?)$")
_COLUMNS = {"pre": ("pre", "source"), "post": ("post", "target"), "type": ("type",)}
_COLUMNS["count"] = ("weight", "synapses")

Kind = Literal["chemical", "gap"]


@dataclass(frozen=True, eq=False)
class Connectome:
    """Cells by name, and how many synapses join them.

    Args:
        names: of the n cells, each once.
        classes: "sensory", "inter", "motor", or "" where it is not known.
        sign: +1 of an excitatory and -1 of an inhibitory cell, [n].
        chemical: counts [post, pre], as `Dense.weight` is laid out.
        gap: counts of gap junctions [n, n], the same in both directions.

    Raises:
        InvalidValue: a name occurs twice, an array does not fit, a count is negative or not finite,
            a sign is neither 1 nor -1, or gap junctions differ by direction.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    sign: NDArray[np.float64]
    chemical: NDArray[np.float64]
    gap: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.names)
        twice = {name for name in self.names if self.names.count(name) > 1}
        if twice:
            raise InvalidValue(f"Connectome.names: {sorted(twice)} occur twice")
        if len(self.classes) != n:
            raise InvalidValue(f"Connectome.classes: got {len(self.classes)} for {n} names")
        wanted = {"sign": (n,), "chemical": (n, n), "gap": (n, n)}
        for field, shape in wanted.items():
            array = np.array(getattr(self, field), dtype=np.float64)
            if array.shape != shape:
                raise InvalidValue(f"Connectome.{field}: got shape {array.shape}, expected {shape}")
            if not np.isfinite(array).all() or (field != "sign" and (array < 0).any()):
                raise InvalidValue(f"Connectome.{field}: expected finite counts of at least 0")
            array.flags.writeable = False
            object.__setattr__(self, field, array)
        if (np.abs(self.sign) != 1).any():
            raise InvalidValue("Connectome.sign: expected 1 or -1 for every cell")
        if (self.gap != self.gap.T).any():
            raise InvalidValue("Connectome.gap: differs by direction, expected gap == gap.T")

    def __repr__(self) -> str:
        chemical, gap = np.count_nonzero(self.chemical), np.count_nonzero(np.triu(self.gap))
        return f"Connectome({len(self.names)} cells, {chemical} chemical pairs, {gap} gap pairs)"

    def index(self, *names: str) -> NDArray[np.int64]:
        """Numbers of cells; a family's name stands for all its cells ("ALM": ALML and ALMR).

        Raises:
            UnknownName: there is no such cell or family.
        """
        found: list[int] = []
        for wanted in names:
            own = [i for i, n in enumerate(self.names) if wanted in (n, family(n))]
            if not own:
                known = {*self.names, *(f for n in self.names if (f := family(n)))}
                raise UnknownName("Connectome.index", wanted, known)
            found += own
        return np.array(found, dtype=np.int64)

    def of_class(self, name: str) -> NDArray[np.int64]:
        """Numbers of the cells of a class, e.g. "motor"."""
        return np.flatnonzero(np.array(self.classes) == name)

    def sparse(self, kind: Kind = "chemical", *, weight: float = 1.0) -> Sparse:
        """Synapses of the whole connectome onto itself: `weight` times count, times the sign.

        The current of a gap junction has no sign, so those of kind="gap" are all positive, one in
        each direction; a cell's junctions with itself carry nothing and are left out.

        Raises:
            UnknownName: the kind is neither "chemical" nor "gap".
        """
        if kind not in ("chemical", "gap"):
            raise UnknownName("Connectome.sparse.kind", kind, ("chemical", "gap"))
        counts = self.chemical * self.sign if kind == "chemical" else self.gap.copy()
        if kind == "gap":
            np.fill_diagonal(counts, 0.0)
        post, pre = np.nonzero(counts)
        return Sparse(pre, post, (weight * counts[post, pre]).astype(np.float32))

    def shuffled(self, seed: int, *, swaps: int = 10) -> Connectome:
        """A random connectome in which every cell keeps its degrees: Maslov & Sneppen (2002).

        Two connections a->b, c->d become a->d, c->b unless one of those exists or joins a cell to
        itself. A connection keeps its count and its presynaptic cell, so numbers of partners in and
        out stay, and so does the synapses' total a cell sends. Gap junctions likewise, undirected.

        Args:
            swaps: attempted for each connection.
        """
        random = np.random.default_rng(seed)
        chemical = _swap(self.chemical, random, swaps)
        half = np.tril(self.gap, -1)
        gap = _swap(half, random, swaps, undirected=True)
        gap = gap + gap.T + np.diag(np.diag(self.gap))
        return Connectome(self.names, self.classes, self.sign, chemical, gap)


def _swap(
    counts: NDArray[np.float64], random: np.random.Generator, swaps: int, undirected: bool = False
) -> NDArray[np.float64]:
    post, pre = np.nonzero(counts)
    own = pre != post  # a cell's synapses on itself stay
    loops = np.diag(np.diag(counts))
    value, post, pre = counts[post, pre][own], post[own].tolist(), pre[own].tolist()

    def key(a: int, b: int) -> tuple[int, int]:
        return (min(a, b), max(a, b)) if undirected else (a, b)

    present = {key(a, b) for a, b in zip(pre, post, strict=True)}
    for i, j, turn in zip(
        random.integers(max(len(pre), 1), size=swaps * len(pre)),
        random.integers(max(len(pre), 1), size=swaps * len(pre)),
        random.random(swaps * len(pre)) < 0.5,
        strict=True,
    ):
        if undirected and turn:
            pre[j], post[j] = post[j], pre[j]
        a, b, c, d = pre[i], post[i], pre[j], post[j]
        new = key(a, d), key(c, b)
        if i == j or a == d or c == b or new[0] == new[1] or present & set(new):
            continue
        present -= {key(a, b), key(c, d)}
        present |= set(new)
        post[i], post[j] = d, b
    result = loops
    result[post, pre] = value
    return result


def family(cell: str) -> str:
    """Family of a C. elegans neuron, e.g. "RMD" of "RMDDL"; "" if it is not a neuron's name."""
    match = _CELL.fullmatch(cell)
    return match.group(1) if match else ""


def role(cell: str) -> str:
    """Class of a C. elegans neuron: "sensory", "inter" or "motor"; "" if it is not a neuron."""
    return _ROLE.get(family(cell), "")


def _name(written: str) -> str:
    """VB01 -> VB1; names of cells without padding stay."""
    return re.sub(r"(?<=[A-Za-z])0+(?=\d)", "", written.strip())


def read_connectome(path: str | Path, *, neurons: bool = True) -> Connectome:
    """Read a C. elegans edge list: Cook et al. (2019), White et al. (1986), and tables like them.

    The first line names the columns, in any case: source or pre, target or post, weight or
    synapses, and type, which is "chemical" or "electrical"; commas or tabs between them. Counts of
    one pair are summed. A gap junction may be listed in one direction or in both; where the two
    differ, as some of Cook's do, the larger counts. Zeros that pad a number are dropped
    (VB01 -> VB1). A neuron is inhibitory if its family is GABAergic.

    Args:
        path: the file.
        neurons: leave out cells that are not neurons (muscles, glia, gut).

    Raises:
        CorruptFile: a column is missing, a row is short, a type is unknown or a count is not a
            number >= 0; the message names the line.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        split = "\t" if "\t" in first else ","
        columns = [c.strip().lower() for c in first.rstrip("\r\n").split(split)]
        at: dict[str, int] = {}
        for field, allowed in _COLUMNS.items():
            own = [columns.index(name) for name in allowed if name in columns]
            if not own:
                raise CorruptFile(
                    f"{path}: line 1 has the columns {columns}, expected one called "
                    f"{' or '.join(allowed)}"
                )
            at[field] = own[0]
        edges: dict[str, dict[tuple[str, str], float]] = {"chemical": {}, "electrical": {}}
        for number, row in enumerate(csv.reader(file, delimiter=split), start=2):
            if not any(cell.strip() for cell in row):
                continue
            where = f"{path}: line {number}"
            if len(row) != len(columns):
                raise CorruptFile(f"{where} has {len(row)} columns, expected {len(columns)}")
            pre, post = _name(row[at["pre"]]), _name(row[at["post"]])
            kind = row[at["type"]].strip().lower()
            if kind not in edges:
                raise CorruptFile(f"{where}: type {kind!r}, expected 'chemical' or 'electrical'")
            try:
                count = float(row[at["count"]])
            except ValueError:
                count = float("nan")
            if not 0 <= count < float("inf"):
                raise CorruptFile(f"{where}: {row[at['count']]!r} is not a count of synapses")
            edges[kind][pre, post] = edges[kind].get((pre, post), 0.0) + count
    cells = {cell for pairs in edges.values() for pair in pairs for cell in pair}
    names = sorted(c for c in cells if role(c) or not neurons)
    index = {name: i for i, name in enumerate(names)}
    counts = {kind: np.zeros((len(names), len(names))) for kind in edges}
    for kind, pairs in edges.items():
        for (pre, post), count in pairs.items():
            if pre in index and post in index:
                counts[kind][index[post], index[pre]] = count
    gap = np.maximum(counts["electrical"], counts["electrical"].T)
    return worm(tuple(names), counts["chemical"], gap)


def worm(
    names: tuple[str, ...], chemical: NDArray[np.float64], gap: NDArray[np.float64]
) -> Connectome:
    """A connectome of C. elegans neurons, whose names say their class and sign."""
    inhibitory = set(GABA.split())
    sign = np.array([-1.0 if family(n) in inhibitory else 1.0 for n in names])
    return Connectome(names, tuple(role(n) for n in names), sign, chemical, gap)
