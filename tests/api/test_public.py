"""The public surface: sorted, documented, light to import."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import neuro

ROOT = Path(__file__).parents[2]
PARTS = (
    "analysis", "build", "data", "encode", "export", "formats", "metrics", "neurons", "nn", "plot",
    "synapses", "synthetic", "train", "transforms",
)  # fmt: skip
PACKAGES = ["neuro", *(f"neuro.{part}" for part in PARTS)]


@pytest.mark.parametrize("name", PACKAGES)
def test_export_list_is_sorted_and_complete(name: str) -> None:
    package = importlib.import_module(name)
    modules = {m.name for m in pkgutil.iter_modules(package.__path__)}
    public = {
        n for n, value in vars(package).items()
        if not n.startswith("_") and not inspect.ismodule(value)
    } - (modules - set(package.__all__))  # fmt: skip
    assert set(package.__all__) == public

    def rank(n: str) -> tuple[int, str]:
        return (0 if n.isupper() else 1 if n[0].isupper() else 2, n)

    assert package.__all__ == sorted(package.__all__, key=rank)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_has_a_docstring(name: str) -> None:
    package = importlib.import_module(name)
    for public in package.__all__:
        value = getattr(package, public)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{public}"
            assert len(inspect.signature(value).parameters) <= 16


def test_every_module_begins_with_a_docstring() -> None:
    for path in (ROOT / "neuro").rglob("*.py"):
        assert path.read_text(encoding="utf-8").startswith('"""'), path


def loaded_by(code: str) -> set[str]:
    check = f"import sys; {code}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_neuro_loads_nothing_heavy() -> None:
    heavy = {"torch", "numba", "matplotlib", "lightning", "h5py", "sklearn", "nir", "safetensors"}
    assert not heavy & loaded_by("import neuro")


@pytest.mark.parametrize(
    "package",
    ["neuro.data", "neuro.encode", "neuro.export", "neuro.formats", "neuro.plot", "neuro.cli"],
)
def test_only_training_loads_pytorch(package: str) -> None:
    assert not {"torch", "numba", "matplotlib", "lightning"} & loaded_by(f"import {package}")


def without(module: str, code: str) -> str:
    """Run code where a module cannot be found; what it prints."""
    block = f"import sys; sys.modules[{module!r}] = None"  # how Python marks an absent module
    done = subprocess.run(
        [sys.executable, "-c", f"{block}\n{code}"], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "code", "extra"),
    [
        ("torch", "import neuro.train", "train"),
        ("torch", "import neuro.nn", "train"),
        ("lightning", "import neuro.train.loop", "train"),
        ("matplotlib", "from neuro.plot import confusion; confusion([[1]])", "plot"),
        ("nir", "from neuro.export import read_nir; read_nir('x.nir')", "nir"),
        ("sklearn", "from neuro.data import digits; digits()", "data"),
        ("numba", "from neuro.encode import Cochlea; Cochlea()([0.0] * 800, 8000)", "events"),
        ("lz4", "from neuro.formats._aedat4_packing import pack; pack(b'x')", "events"),
    ],
)
def test_a_missing_package_is_explained_by_its_extra(module: str, code: str, extra: str) -> None:
    said = without(module, code).splitlines()[-1]
    assert "MissingExtra" in said and f"pip install 'neuro[{extra}]'" in said


def test_a_network_is_built_without_pytorch() -> None:
    code = "from neuro import *; print(feedforward(3, LIF(4), LI(2), clock=Clock(ms), seed=0))"
    assert "torch" not in loaded_by(code)


def test_folders_of_recipes_and_cards_are_no_packages() -> None:
    """An importable `datasets` would shadow the package of that name for whoever starts here."""
    for folder in ("models", "datasets", "notebooks"):
        assert not list((ROOT / folder).rglob("__init__.py"))


def test_files_stay_small() -> None:
    sizes = {p: len(p.read_text().splitlines()) for p in (ROOT / "neuro").rglob("*.py")}
    assert max(sizes.values()) <= 500, max(sizes, key=lambda p: sizes[p])
    assert sorted(sizes.values())[len(sizes) // 2] <= 140


def test_architecture_names_every_file() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for path in (ROOT / "neuro").rglob("*.py"):
        if path.name != "__init__.py":
            assert f"`{path.relative_to(ROOT / 'neuro')}`" in text, path


def test_version_is_stated() -> None:
    assert neuro.__version__.count(".") == 2
