"""Downloads survive cut connections, liars, and interruptions, and a wrong file never arrives."""

from __future__ import annotations

import hashlib
import http.server
import multiprocessing
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuro.data import download as module
from neuro.data._bar import progress
from neuro.data.download import DownloadFailed, Patience, download
from neuro.errors import InvalidValue

CONTENT = bytes(range(256)) * 4096  # 1 MiB
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA = hashlib.sha256(CONTENT).hexdigest()
QUICK = Patience(timeout=5.0, tries=3, pause=0.01)


class Handler(http.server.BaseHTTPRequestHandler):
    """/ok, /cut (ends early), /norange, /html, /liar, /once503, /chunked, and 404 for all else."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        server: Any = self.server
        name = self.path.split("?")[0].strip("/")
        asked = self.headers.get("Range")
        server.seen.append((name, asked, self.headers.get("If-Range")))
        if name == "never" or (name == "once503" and len(server.seen) == 1):
            self.send_response(503)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if name == "html":
            self.answer(
                200, b"<!DOCTYPE html><html>Please log in</html>", {"Content-Type": "text/html"}
            )
            return
        if name == "disguised":
            self.answer(200, b"\n <HTML><body>Please log in</body></HTML>", {})
            return
        if name == "packed":
            self.answer(200, CONTENT, {"Content-Encoding": "br"})
            return
        if name == "elsewhere":
            self.answer(302, b"", {"Location": "ftp://127.0.0.1/file"})
            return
        if name == "redirect":
            self.answer(302, b"", {"Location": "/ok"})
            return
        if name == "chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, len(CONTENT), 100_000):
                piece = CONTENT[i : i + 100_000]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        if name not in ("ok", "cut", "norange", "liar", "weak", "changing", "dies", "once503"):
            self.answer(404, b"no", {})
            return
        content = CONTENT if name != "liar" else CONTENT[:-1] + b"\0"
        tag = '"one"'
        if name == "changing":
            tag = f'"{len(server.seen)}"'
        headers = {"ETag": "W/" + tag if name == "weak" else tag}
        start, status = 0, 200
        if asked and name != "norange":
            fits = self.headers.get("If-Range") in (None, tag)
            if fits:
                start, status = int(re.findall(r"\d+", asked)[0]), 206
                if start >= len(content):
                    self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                    return
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        sent = body
        if name in ("cut", "changing"):
            sent = body[:300_000]
        if name == "norange" and len(server.seen) < 3:
            sent = body[: 300_000 * len(server.seen)]
        if name == "dies":
            sent = body[:300_000] if len(server.seen) == 1 else b""
        self.answer(status, sent, headers, len(body))

    def answer(
        self, status: int, body: bytes, headers: dict[str, str], length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        if length is not None and length > len(body):
            self.close_connection = True


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[Any]:
    with Quiet(("127.0.0.1", 0), Handler) as running:
        running.seen = []  # type: ignore[attr-defined]
        running.url = f"http://127.0.0.1:{running.server_port}"  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def left_behind(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


@pytest.mark.parametrize("name", ["ok", "cut", "norange", "once503", "chunked", "redirect", "weak"])
def test_a_file_arrives_whole_however_the_server_behaves(
    server: Any, tmp_path: Path, name: str
) -> None:
    urls = [f"{server.url}/{name}"]
    reported: list[tuple[int, int | None]] = []
    got = download(
        urls, tmp_path / "file", sha256=SHA, patience=QUICK,
        report=lambda done, total: reported.append((done, total)),
    )  # fmt: skip
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert (got.bytes, got.md5, got.sha256) == (len(CONTENT), MD5, SHA)
    assert reported[-1][0] == len(CONTENT)
    assert left_behind(tmp_path) == ["file"]


def test_a_cut_connection_goes_on_where_it_ended(server: Any, tmp_path: Path) -> None:
    download([f"{server.url}/cut"], tmp_path / "file", patience=QUICK)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.seen == [
        ("cut", None, None),
        ("cut", "bytes=300000-", '"one"'),
        ("cut", "bytes=600000-", '"one"'),
        ("cut", "bytes=900000-", '"one"'),
    ]


def test_a_file_that_changes_between_attempts_is_never_mixed(server: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="300,000 of 1,048,576"):
        download([f"{server.url}/changing"], tmp_path / "file", patience=QUICK)
    assert (tmp_path / "file.part").stat().st_size == 300_000  # never 600,000
    assert not (tmp_path / "file").exists()


def test_a_later_call_goes_on_from_the_part(server: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed):
        download([f"{server.url}/dies"], tmp_path / "file", patience=QUICK)
    assert (tmp_path / "file.part").stat().st_size == 300_000
    server.seen.clear()
    # another mirror: only the checksum can prove that the part belongs to the same file
    download([f"{server.url}/ok"], tmp_path / "file", sha256=SHA, patience=QUICK)
    assert server.seen == [("ok", "bytes=300000-", None)]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_without_a_proof_another_mirror_starts_anew(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"something else entirely")
    download([f"{server.url}/ok"], tmp_path / "file", patience=QUICK)
    assert server.seen == [("ok", None, None)]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_part_of_another_file_is_found_by_the_checksum_and_replaced(
    server: Any, tmp_path: Path
) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    download([f"{server.url}/ok"], tmp_path / "file", md5=MD5, patience=QUICK)
    assert [asked for _, asked, _ in server.seen] == ["bytes=1000-", None]
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 5])
def test_a_part_that_is_whole_or_too_long_is_settled(
    server: Any, tmp_path: Path, size: int
) -> None:
    (tmp_path / "file.part").write_bytes((CONTENT + b"12345")[:size])
    download([f"{server.url}/ok"], tmp_path / "file", md5=MD5, patience=QUICK)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_ctrl_c_keeps_what_arrived_and_a_rerun_continues(server: Any, tmp_path: Path) -> None:
    def stop(done: int, total: int | None) -> None:
        if done >= 500_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download([f"{server.url}/ok"], tmp_path / "file", patience=QUICK, report=stop)
    size = (tmp_path / "file.part").stat().st_size
    assert size >= 500_000
    download([f"{server.url}/ok"], tmp_path / "file", patience=QUICK)
    assert server.seen[1] == ("ok", f"bytes={size}-", '"one"')
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_every_mirror_is_tried_and_every_failure_told(server: Any, tmp_path: Path) -> None:
    names = ("gone", "html", "disguised", "liar", "never")
    with pytest.raises(DownloadFailed) as caught:
        download(
            [f"{server.url}/{n}" for n in names], tmp_path / "file", sha256=SHA, patience=QUICK
        )
    lines = str(caught.value).splitlines()
    for line, name, why in zip(
        lines[1:-1],
        names,
        ("HTTP 404", "web page (text/html", "web page (an error", "SHA-256", "HTTP 503"),
        strict=True,
    ):
        assert name in line and why in line
    assert not (tmp_path / "file").exists()
    assert [name for name, *_ in server.seen].count("never") == QUICK.tries
    assert [name for name, *_ in server.seen].count("gone") == 1


def test_the_first_working_mirror_is_used(server: Any, tmp_path: Path) -> None:
    got = download(
        [f"{server.url}/gone", f"{server.url}/liar", f"{server.url}/ok", f"{server.url}/html"],
        tmp_path / "file", md5=MD5, patience=QUICK,
    )  # fmt: skip
    assert got.url == f"{server.url}/ok"
    assert "html" not in [name for name, *_ in server.seen]


def test_a_wrong_size_is_refused_before_anything_is_fetched(server: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="1,048,576 bytes, expected 1,000"):
        download([f"{server.url}/ok"], tmp_path / "file", bytes=1000, patience=QUICK)
    with pytest.raises(DownloadFailed, match="more than the 1,000 that are accepted"):
        download([f"{server.url}/ok"], tmp_path / "file", limit=1000, patience=QUICK)
    with pytest.raises(DownloadFailed, match="more than 1,000 bytes"):  # no Content-Length
        download([f"{server.url}/chunked"], tmp_path / "file", limit=1000, patience=QUICK)
    assert left_behind(tmp_path) == []


def test_what_cannot_be_trusted_is_refused(server: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="packed"):
        download([f"{server.url}/packed"], tmp_path / "file", patience=QUICK)
    download([f"{server.url}/packed"], tmp_path / "file", md5=MD5, patience=QUICK)
    with pytest.raises(DownloadFailed, match="redirects from http to ftp"):
        download([f"{server.url}/elsewhere"], tmp_path / "other", patience=QUICK)


def test_https_is_never_left_for_http() -> None:
    handler, request = module._SameOrSafer(), urllib.request.Request("https://a/x")
    with pytest.raises(module._Refused, match="redirects from https to http://a/y"):
        handler.redirect_request(request, None, 302, "", {}, "http://a/y")
    followed = handler.redirect_request(request, None, 302, "", {}, "https://b/y")
    assert followed.full_url == "https://b/y"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, 0.0), ("7", 7.0), ("soon", 0.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after_is_understood(text: str | None, seconds: float) -> None:
    assert module._wait(text) == seconds


def test_an_old_file_stays_until_the_new_one_is_whole(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(DownloadFailed):
        download([f"{server.url}/liar"], tmp_path / "file", md5=MD5, patience=QUICK)
    assert (tmp_path / "file").read_bytes() == b"old"


def test_nobody_answering_is_told(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="refused"):
        download(["http://127.0.0.1:9/x"], tmp_path / "file", patience=Patience(2.0, 2, 0.01))


@pytest.mark.parametrize("urls", [[], ["ftp://host/file"], ["file:///etc/passwd"], ["/etc/passwd"]])
def test_addresses_that_are_none_are_refused(urls: list[str], tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"addresses|http"):
        download(urls, tmp_path / "file")


def test_a_full_disk_is_no_fault_of_the_mirror(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 10

    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(OSError, match="bytes are to come, 10 are free"):
        download([f"{server.url}/ok"], tmp_path / "file", patience=QUICK)


def _fetch(url: str, target: str) -> None:
    download([url], target, sha256=SHA, patience=QUICK)


def test_two_processes_do_not_collide(server: Any, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    runs = [
        context.Process(target=_fetch, args=(f"{server.url}/cut", str(tmp_path / "file")))
        for _ in range(2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_terminal_gets_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("a.zip") as report:
        report(5, 10)
        report(10, 10)
    out, err = capsys.readouterr()
    assert out == "" and "a.zip" in err and "10/10 bytes" in err


def test_progress_writes_to_standard_error_only(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("a.zip") as report:
        report(5, 10)
        report(10, 10)
    out, err = capsys.readouterr()
    assert out == "" and "a.zip" in err and "10 bytes" in err
