"""Connectomes are read as their tables say, and shuffles keep what they promise."""

from collections import Counter
from pathlib import Path

import networkx
import numpy as np
import pytest

from neuro.data import Connectome, read_connectome, synthetic_connectome
from neuro.data.connectome import family, role
from neuro.errors import CorruptFile, InvalidValue, UnknownName

COOK = """Source,Target,Weight,Type
ALML , AVDL           ,3,chemical
AVDL,DD01,2,chemical
DD01,ALML,4,chemical
DD01,dBWML1,7,chemical
ALML,PVCL,2,electrical
PVCL,ALML,5,electrical
"""
WHITE = "pre\tpost\ttype\tsynapses\nALML\tAVDL\tchemical\t1\nALML\tAVDL\tchemical\t2\n"
WHITE += "ALML\tPVCL\telectrical\t4\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "edges.csv"
    path.write_text(text)
    return path


def test_cooks_list_is_read_with_names_classes_signs_and_counts(tmp_path: Path) -> None:
    worm = read_connectome(write(tmp_path, COOK))
    assert worm.names == ("ALML", "AVDL", "DD1", "PVCL")
    assert worm.classes == ("sensory", "inter", "motor", "inter")
    assert worm.sign.tolist() == [1, 1, -1, 1]
    chemical = np.zeros((4, 4))
    chemical[1, 0], chemical[2, 1], chemical[0, 2] = 3, 2, 4  # [post, pre]
    np.testing.assert_array_equal(worm.chemical, chemical)
    gap = np.zeros((4, 4))
    gap[0, 3] = gap[3, 0] = 5  # the two directions differ: the larger
    np.testing.assert_array_equal(worm.gap, gap)


def test_muscles_are_kept_on_request_and_have_no_class(tmp_path: Path) -> None:
    worm = read_connectome(write(tmp_path, COOK), neurons=False)
    muscle = worm.names.index("dBWML1")
    assert worm.classes[muscle] == ""
    assert worm.chemical[muscle, worm.names.index("DD1")] == 7


def test_whites_table_sums_rows_and_lists_a_junction_once(tmp_path: Path) -> None:
    worm = read_connectome(write(tmp_path, WHITE))
    assert worm.chemical[1, 0] == 3
    assert worm.gap[0, 2] == worm.gap[2, 0] == 4


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (COOK.replace("Weight", "Size"), "line 1 .*weight or synapses"),
        (COOK.replace(",3,", ",many,"), "line 2.*'many'"),
        (COOK.replace(",3,", ",-3,"), "line 2.*'-3'"),
        (COOK.replace(",2,chemical", ",2,optical"), "line 3.*'optical'"),
        (COOK.replace("AVDL,DD01,2,", "AVDL,DD01,"), "line 3 has 3 columns, expected 4"),
    ],
)
def test_a_damaged_table_is_refused_by_line(tmp_path: Path, broken: str, said: str) -> None:
    with pytest.raises(CorruptFile, match=said):
        read_connectome(write(tmp_path, broken))


def test_names_of_cells_tell_family_and_class() -> None:
    """Of the 302 neurons of White et al., families with well-known prefixes and look-alikes."""
    known = {
        "AVAL": "AVA",
        "AVL": "AVL",
        "RMDDL": "RMD",
        "RMED": "RME",
        "IL1VR": "IL1",
        "I1L": "I1",
    }
    known |= {"AS11": "AS", "ASEL": "ASE", "VD13": "VD", "M2R": "M2", "MCL": "MC", "SABD": "SAB"}
    assert {cell: family(cell) for cell in known} == known
    assert [role(c) for c in ("PLMR", "PVCL", "VB2")] == ["sensory", "inter", "motor"]
    assert [role(c) for c in ("pm1", "dBWML1", "hyp", "GLRDL", "mc1dl")] == [""] * 5


def test_sparse_has_the_sign_of_the_presynaptic_cell_and_the_weight(tmp_path: Path) -> None:
    worm = read_connectome(write(tmp_path, COOK))
    chemical = worm.sparse(weight=0.5)
    found = dict(zip(zip(chemical.pre, chemical.post, strict=True), chemical.weight, strict=True))
    assert found == {(0, 1): 1.5, (1, 2): 1.0, (2, 0): -2.0}
    gap = worm.sparse("gap", weight=0.5)
    found = dict(zip(zip(gap.pre, gap.post, strict=True), gap.weight, strict=True))
    assert found == {(0, 3): 2.5, (3, 0): 2.5}
    with pytest.raises(UnknownName, match="'chemical'"):
        worm.sparse("electric")  # type: ignore[arg-type]


def test_index_finds_cells_and_families(tmp_path: Path) -> None:
    worm = read_connectome(write(tmp_path, COOK))
    assert worm.index("ALM", "DD1").tolist() == [0, 2]
    with pytest.raises(UnknownName, match="'AVD'"):
        worm.index("AVDR")


def test_the_synthetic_connectome_has_the_worms_cells() -> None:
    """Families and numbers from White et al. (1986): 302 neurons, of which CANL, CANR join none."""
    worm = synthetic_connectome(3)
    assert len(worm.names) == 300
    assert Counter(worm.classes) == {"sensory": 82, "inter": 86, "motor": 132}
    assert int((worm.sign < 0).sum()) == 6 + 13 + 4 + 3  # DD, VD, RME, and AVL, DVB, RIS
    sizes = Counter(family(n) for n in worm.names)
    assert (sizes["VD"], sizes["DA"], sizes["CEP"], sizes["IL1"], sizes["RMD"]) == (13, 9, 4, 6, 6)
    again, other = synthetic_connectome(3), synthetic_connectome(4)
    np.testing.assert_array_equal(worm.chemical, again.chemical)
    assert (worm.chemical != other.chemical).any()
    share = np.count_nonzero(worm.chemical) / 300**2
    assert 0.03 < share < 0.05  # Cook's: 3,638 of 90,000


def test_a_shuffle_keeps_degrees_and_counts_and_little_else() -> None:
    """Degrees as networkx counts them in both graphs."""
    worm = synthetic_connectome(1)
    shuffled = worm.shuffled(5)
    before, after = (
        networkx.from_numpy_array(w.chemical.T, create_using=networkx.DiGraph)
        for w in (worm, shuffled)
    )
    assert dict(before.in_degree()) == dict(after.in_degree())
    assert dict(before.out_degree()) == dict(after.out_degree())
    assert dict(before.out_degree(weight="weight")) == dict(after.out_degree(weight="weight"))
    gap_before, gap_after = (networkx.from_numpy_array(w.gap) for w in (worm, shuffled))
    assert dict(gap_before.degree()) == dict(gap_after.degree())
    assert sorted(worm.gap.ravel()) == sorted(shuffled.gap.ravel())
    both = set(before.edges()) & set(after.edges())
    assert len(both) < 0.25 * before.number_of_edges()
    assert networkx.number_of_selfloops(after) == 0
    np.testing.assert_array_equal(shuffled.chemical, worm.shuffled(5).chemical)


def test_what_is_no_connectome_is_refused() -> None:
    zero = np.zeros((2, 2))
    with pytest.raises(InvalidValue, match="occur twice"):
        Connectome(("a", "a"), ("", ""), np.ones(2), zero, zero)
    with pytest.raises(InvalidValue, match=r"gap == gap\.T"):
        Connectome(("a", "b"), ("", ""), np.ones(2), zero, np.array([[0.0, 1], [0, 0]]))
    with pytest.raises(InvalidValue, match=r"chemical: got shape \(2, 3\)"):
        Connectome(("a", "b"), ("", ""), np.ones(2), np.zeros((2, 3)), zero)
    with pytest.raises(InvalidValue, match="1 or -1"):
        Connectome(("a", "b"), ("", ""), np.zeros(2), zero, zero)
