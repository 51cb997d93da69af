"""A set is absent, partial, unverified, damaged or whole, and getting it makes it whole."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuro.data import cards, store
from neuro.data.download import DownloadFailed, Patience
from neuro.data.store import NotHere, check, data_folder, get, status
from neuro.errors import CorruptFile, UnknownName

QUICK = Patience(timeout=5, tries=1, pause=0.01)
CARD = """
name = "toy"
title = "Toy"
task = "nothing"
paper = "none"
licence = "CC BY 4.0"
source = "https://example.org"
obtained = "{obtained}"
steps = "put it there."
notes = "n"
loader = "toy.toy"
"""


def archive() -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as file:
        file.writestr("a/1.bin", b"one")
        file.writestr("a/2.bin", b"three")
    return raw.getvalue()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that is served, and its address."""
    (tmp_path / "web").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield tmp_path / "web", f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Defines the only card there is."""
    monkeypatch.setenv("NEURO_DATA", str(tmp_path / "data"))

    def define(*files: dict[str, Any], obtained: str = "download") -> Path:
        text = CARD.format(obtained=obtained)
        for file in files:
            rows = "".join(f"{k} = {json.dumps(v)}\n" for k, v in file.items())
            text += f"\n[[files]]\n{rows}"
        path = tmp_path / "cards" / "toy" / "card.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        found = cards.read_card(path)
        monkeypatch.setattr(store, "card", lambda name: {"toy": found}[name])
        return tmp_path / "data" / "toy"

    return define


def test_a_set_is_fetched_verified_and_unpacked(web: Any, toy: Any) -> None:
    folder, url = web
    raw = archive()
    (folder / "toy.zip").write_bytes(raw)
    (folder / "plain.bin").write_bytes(b"plain")
    home = toy(
        {"name": "toy.zip", "urls": [f"{url}/gone", f"{url}/toy.zip"], "unpack": "toy",
         "sha256": hashlib.sha256(raw).hexdigest()},
        {"name": "plain.bin", "urls": [f"{url}/plain.bin"], "bytes": 5},
    )  # fmt: skip
    assert status("toy").state == "absent"
    done = get("toy", patience=QUICK)
    assert (done.state, done.folder) == ("whole", home)
    assert (home / "toy" / "a" / "2.bin").read_bytes() == b"three"
    assert done.bytes == len(raw) + 8 + 5
    assert check("toy").state == "whole"
    (folder / "toy.zip").unlink()
    assert get("toy", patience=QUICK).state == "whole"  # nothing is fetched again
    (home / "toy.zip").unlink()  # not needed once it is unpacked
    assert status("toy").state == "whole"
    (home / "toy" / "a" / "1.bin").unlink()
    assert status("toy").state == "damaged"
    with pytest.raises(CorruptFile, match="1 files of 5 bytes, 2 of 8"):
        get("toy", patience=QUICK)


def test_a_set_that_is_half_there_goes_on(web: Any, toy: Any) -> None:
    folder, url = web
    (folder / "one").write_bytes(b"1")
    toy({"name": "one", "urls": [f"{url}/one"]}, {"name": "two", "urls": [f"{url}/two"]})
    with pytest.raises(DownloadFailed, match="two: HTTP 404"):
        get("toy", patience=QUICK)
    found = status("toy")
    assert found.state == "partial" and [f.state for f in found.files] == ["whole", "absent"]
    (folder / "two").write_bytes(b"2")
    assert get("toy", patience=QUICK).state == "whole"


def test_a_part_of_a_file_counts_as_partial(toy: Any) -> None:
    home = toy({"name": "one", "urls": ["http://127.0.0.1:9/one"]})
    home.mkdir(parents=True)
    (home / "one.part").write_bytes(b"12345")
    found = status("toy")
    assert (found.state, found.bytes) == ("partial", 5)


def test_the_first_look_is_trusted_and_later_ones_compared(web: Any, toy: Any) -> None:
    folder, url = web
    (folder / "one").write_bytes(b"first")
    home = toy({"name": "one", "urls": [f"{url}/one"]})
    get("toy", patience=QUICK)
    record = json.loads((home / store.RECORD).read_text())["files"]["one"]
    assert record["sha256"] == hashlib.sha256(b"first").hexdigest()
    assert record["against"] == "first look" and record["url"] == f"{url}/one"
    (home / "one").write_bytes(b"FIRST")  # as long
    assert status("toy").state == "whole"  # a quick look sees sizes
    found = check("toy")
    assert found.state == "damaged" and "SHA-256" in found.files[0].why
    assert status("toy").state == "damaged"  # and remembers
    assert get("toy", patience=QUICK).state == "whole"
    assert (home / "one").read_bytes() == b"first"
    (home / "one").unlink()
    (folder / "one").write_bytes(b"other")
    with pytest.raises(CorruptFile, match="SHA-256"):  # the mirror has changed
        get("toy", patience=QUICK)


def test_a_file_put_there_by_hand_is_verified(toy: Any) -> None:
    raw = archive()
    home = toy(
        {"name": "toy.zip", "md5": hashlib.md5(raw).hexdigest(), "unpack": "toy"},
        obtained="by hand",
    )
    with pytest.raises(NotHere, match=r"toy\.zip is not in .* put it there\. Then: neuro data get"):
        get("toy")
    (home / "toy.zip").write_bytes(raw)
    assert status("toy").state == "unverified"
    assert get("toy").state == "whole" and (home / "toy" / "a" / "1.bin").is_file()
    (home / "toy.zip").write_bytes(raw[:-1] + b"x")
    assert check("toy").state == "damaged"
    with pytest.raises(CorruptFile, match="MD5"):
        get("toy")


def test_a_folder_unpacked_by_hand_stays_unverified(toy: Any) -> None:
    home = toy({"name": "toy.zip", "urls": ["http://127.0.0.1:9/x"], "unpack": "toy"})
    (home / "toy").mkdir(parents=True)
    (home / "toy" / "1.bin").write_bytes(b"1")
    assert status("toy").state == "unverified"
    assert get("toy", patience=QUICK).state == "unverified"


def test_optional_files_are_left_out_unless_asked_for(web: Any, toy: Any) -> None:
    folder, url = web
    for name in ("one", "two"):
        (folder / name).write_bytes(b"1")
    home = toy(
        {"name": "one", "urls": [f"{url}/one"]},
        {"name": "two", "urls": [f"{url}/two"], "optional": True},
    )
    assert get("toy", patience=QUICK).state == "whole" and not (home / "two").exists()
    assert get("toy", optional=True, patience=QUICK).state == "whole"
    assert (home / "two").is_file()


def test_a_wrong_size_is_seen_at_once(toy: Any) -> None:
    home = toy({"name": "one", "urls": ["http://127.0.0.1:9/x"], "bytes": 9})
    home.mkdir(parents=True)
    (home / "one").write_bytes(b"1")
    found = status("toy")
    assert found.state == "damaged" and "1 bytes, expected 9" in found.files[0].why
    assert check("toy").state == "damaged"


def test_a_record_that_is_none_is_refused(toy: Any) -> None:
    home = toy({"name": "one", "urls": ["http://127.0.0.1:9/x"]})
    home.mkdir(parents=True)
    (home / store.RECORD).write_text("[]")
    with pytest.raises(CorruptFile, match="not the record"):
        status("toy")


def test_a_set_without_files_is_what_the_user_puts_there(toy: Any) -> None:
    home = toy(obtained="by hand")
    with pytest.raises(NotHere, match="the data set is not in"):
        get("toy")
    (home / "any.raw").write_bytes(b"1")
    assert status("toy").state == get("toy").state == "unverified"


def test_where_data_live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEURO_DATA", str(tmp_path))
    assert data_folder() == tmp_path and data_folder("/x") == Path("/x")
    monkeypatch.delenv("NEURO_DATA")
    monkeypatch.setattr(store.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert data_folder() == Path("/cache/neuro/data")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert data_folder() == Path("/home/me/.cache/neuro/data")
    monkeypatch.setattr(store.sys, "platform", "darwin")
    assert data_folder() == Path("/home/me/Library/Caches/neuro/data")
    monkeypatch.setattr(store.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert data_folder() == Path("/local/neuro/data")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownName):
        status("no such set")
