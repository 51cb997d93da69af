"""A made-up connectome with the cells of C. elegans and statistics near the measured ones."""

from __future__ import annotations

import re

import numpy as np

from neuro.data.connectome import Connectome, worm

_PAIRS = """ADA ADE ADF ADL AFD AIA AIB AIM AIN AIY AIZ ALM ALN ASE ASG ASH ASI ASJ ASK AUA AVA AVB
AVD AVE AVF AVH AVJ AVK AWA AWB AWC BAG BDU FLP HSN I1 I2 IL1 IL2 LUA M2 M3 MC NSM OLL PDE PHA PHB
PHC PLM PLN PVC PVD PVN PVP PVQ PVW RIA RIB RIC RIF RIG RIM RIP RIV RMD RME RMF RMG RMH SDQ URB
URX"""  # a left and a right cell
_QUADS = "CEP IL1 IL2 OLQ RMD SAA SIA SIB SMB SMD URA URY"  # dorsal and ventral, left and right
_SINGLES = """ALA AQR AVG AVL AVM DVA DVB DVC I3 I4 I5 I6 M1 M4 M5 MI PDA PDB PQR PVM PVR PVT RID
RIH RIR RIS RMED RMEV SABD SABVL SABVR"""
_ROWS = {"AS": 11, "DA": 9, "DB": 7, "DD": 6, "VA": 12, "VB": 11, "VC": 6, "VD": 13}

NAMES = tuple(
    sorted(
        [f + side for f in _PAIRS.split() for side in "LR"]
        + [f + side for f in _QUADS.split() for side in ("DL", "DR", "VL", "VR")]
        + _SINGLES.split()
        + [f"{f}{k + 1}" for f, n in _ROWS.items() for k in range(n)]
    )
)

_CLASSES = ("sensory", "inter", "motor")
# Share of the pairs of cells that are joined, by class [post, pre]: near those of Cook et al.
# (2019), Nature 571, hermaphrodite.
_CHEMICAL = np.array([[0.047, 0.037, 0.008], [0.074, 0.108, 0.021], [0.023, 0.047, 0.036]])
_GAP = np.array([[0.025, 0.028, 0.005], [0.028, 0.065, 0.028], [0.005, 0.028, 0.022]])
_COUNTS = 5.7, 4.0  # mean number of synapses and of junctions of a pair
_SPREAD = 0.6  # standard deviation of the log of a cell's propensity to join
_MIRROR = 0.6  # chance that the right cell of a pair repeats what the left one has


def synthetic_connectome(seed: int = 0) -> Connectome:
    """A random connectome with the names, classes and signs of the worm's 300 joined neurons.

    Pairs of cells are joined at random, with a chance that depends on both classes and on a
    propensity of each cell; numbers of synapses are geometric; right cells repeat part of the
    connections of left ones. Nothing else of the worm is in it: no circuit, no place along the
    body. It stands in for measured tables, with the same schema, where those are not at hand.

    Args:
        seed: of everything random.
    """
    random = np.random.default_rng(seed)
    n = len(NAMES)
    template = worm(NAMES, np.zeros((n, n)), np.zeros((n, n)))
    kind = np.array([_CLASSES.index(c) for c in template.classes])
    mirror = np.arange(n)
    place = {name: i for i, name in enumerate(NAMES)}
    for i, name in enumerate(NAMES):
        mirror[i] = place.get(re.sub("R$", "L", name), i)
    counts = []
    for share, mean in zip((_CHEMICAL, _GAP), _COUNTS, strict=True):
        propensity = random.lognormal(-(_SPREAD**2) / 2, _SPREAD, (2, n))
        chance = share[np.ix_(kind, kind)] * propensity[0][:, None] * propensity[1]
        drawn = random.geometric(1 / mean, (n, n)) * (random.random((n, n)) < chance)
        repeat = random.random((n, n)) < _MIRROR
        drawn = np.where(repeat, drawn[np.ix_(mirror, mirror)], drawn).astype(np.float64)
        np.fill_diagonal(drawn, 0.0)
        counts.append(drawn)
    half = np.tril(counts[1], -1)
    return worm(NAMES, counts[0], half + half.T)
