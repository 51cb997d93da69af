"""Downloads that survive: resumed, verified while they stream, from one mirror after another."""

from __future__ import annotations

import email.utils
import errno
import hashlib
import http.client
import json
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from neuro.data._lock import locked
from neuro.errors import InvalidValue, NeuroError
from neuro.files import atomic

LIMIT = 1 << 40  # bytes that a download may have, unless the caller says otherwise
_CHUNK = 1 << 18
_LONGEST_PAUSE = 60.0  # seconds
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers worth asking again
_PAGE = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)", re.IGNORECASE)

Report = Callable[[int, int | None], None]


class DownloadFailed(NeuroError):
    """No mirror gave the file; the message says what each of them answered."""


@dataclass(frozen=True)
class Downloaded:
    """A file that has arrived.

    Args:
        path: where it is.
        url: where it came from.
        bytes: its size.
        md5: of its content, in hexadecimal.
        sha256: likewise.
    """

    path: Path
    url: str
    bytes: int
    md5: str
    sha256: str


@dataclass(frozen=True)
class Patience:
    """How long a download keeps trying.

    Args:
        timeout: seconds without a byte before a connection is given up.
        tries: attempts in a row at one mirror that bring no new byte.
        pause: seconds before the second attempt; doubled before each further one.
    """

    timeout: float = 30.0
    tries: int = 4
    pause: float = 1.0


def download(
    urls: Sequence[str],
    target: str | os.PathLike[str],
    *,
    bytes: int | None = None,
    md5: str | None = None,
    sha256: str | None = None,
    limit: int = LIMIT,
    patience: Patience | None = None,
    report: Report | None = None,
) -> Downloaded:
    """Fetch one file, whole and verified, or not at all.

    What has arrived is kept in `<target>.part`, also after Ctrl-C or a crash, and a later call goes
    on from there if the server can prove that the file is still the same (ETag or date of change),
    or if a checksum will prove it at the end. Only a whole and verified file gets its name.

    Args:
        urls: mirrors, tried in this order.
        target: the file to write; it is replaced.
        bytes: size that it must have.
        md5: checksum that it must have, in hexadecimal.
        sha256: likewise.
        limit: largest size that is accepted.
        patience: timeouts and attempts.
        report: called with the bytes so far and the size, where the server tells it.

    Raises:
        DownloadFailed: no mirror gave it; the message lists every mirror's failure.
        InvalidValue: there are no mirrors, or one is no http(s) address.
    """
    where, patience = Path(target), patience or Patience()
    if not urls:
        raise InvalidValue(f"download of {where.name}: no addresses given")
    for url in urls:
        if urlsplit(url).scheme not in ("http", "https"):
            raise InvalidValue(f"download of {where.name}: {url!r} is no http(s) address")
    failures = []
    with locked(where, waiting=lambda: _say(f"Another process is downloading {where.name}.")):
        one = _Transfer(where, bytes, md5, sha256, limit, patience, report)
        for url in urls:
            try:
                return one.from_mirror(url)
            except _Refused as refusal:
                failures.append(f"  {url}: {refusal}")
    raise DownloadFailed(
        f"download of {where.name}: no mirror gave the file.\n" + "\n".join(failures) + "\n"
        "Try again later (what has arrived is kept), or put the file there yourself: " + str(where)
    )


class _Refused(Exception):
    """This mirror will not give the file; the next one may."""


class _Interrupted(Exception):
    """The connection failed; this mirror may give the rest."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class _SameOrSafer(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to http, nor to another protocol."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        allowed = ("https",) if req.type == "https" else ("http", "https")
        if urlsplit(newurl).scheme not in allowed:
            raise _Refused(f"redirects from {req.type} to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@dataclass
class _Transfer:
    """One file on its way."""

    target: Path
    bytes: int | None
    md5: str | None
    sha256: str | None
    limit: int
    patience: Patience
    report: Report | None

    def __post_init__(self) -> None:
        self.part = self.target.with_name(self.target.name + ".part")
        self.note = self.target.with_name(self.target.name + ".part.json")
        self.opener = urllib.request.build_opener(_SameOrSafer)
        self.resumed = False
        self._restart_sums()

    def from_mirror(self, url: str) -> Downloaded:
        """The whole file from one mirror, in as many attempts as it takes."""
        farthest, idle, restarted = self._size(), 0, False
        while True:
            try:
                self._attempt(url)
                try:
                    return self._finished(url)
                except _Refused:
                    # a part of an older download may not fit what came after it
                    if restarted or not self.resumed:
                        raise
                    restarted = True
            except _Interrupted as broken:
                size = self._size()
                idle = 0 if size > farthest else idle + 1
                farthest = max(farthest, size)
                if idle >= self.patience.tries:
                    raise _Refused(f"{broken} ({size:,} bytes so far)") from broken
                pause = self.patience.pause * 2 ** max(idle - 1, 0)
                time.sleep(min(max(pause, broken.wait), _LONGEST_PAUSE))

    # -- one attempt --------------------------------------------------------------------------

    def _attempt(self, url: str) -> None:
        have = self._size()
        headers = self._headers(url, have)
        request = urllib.request.Request(url, headers=headers)
        try:
            with self.opener.open(request, timeout=self.patience.timeout) as answer:
                self._receive(url, answer, have if "Range" in headers else 0)
        except urllib.error.HTTPError as error:
            if error.code == 416 and "Range" in headers:
                total = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
                if total is None or int(total.group(1)) != have:
                    self._forget()
                    raise _Interrupted("the part does not belong to this file") from error
                self.resumed = True
                return  # the part was the whole file
            why = f"HTTP {error.code} {error.reason}"
            if error.code not in _PASSING:
                raise _Refused(why) from error
            raise _Interrupted(why, _wait(error.headers.get("Retry-After"))) from error
        except (http.client.HTTPException, OSError) as error:
            if isinstance(error, OSError) and _is_ours(error):
                raise
            reason = getattr(error, "reason", error)
            raise _Interrupted(f"{type(error).__name__}: {reason}") from error

    def _headers(self, url: str, have: int) -> dict[str, str]:
        from neuro import __version__

        headers = {"User-Agent": f"neuro/{__version__}", "Accept-Encoding": "identity"}
        known = self._known()
        mark = known.get("mark") if known.get("url") == url else None
        provable = self.md5 is not None or self.sha256 is not None
        if have and (mark or provable):
            headers["Range"] = f"bytes={have}-"
            if mark:
                headers["If-Range"] = mark
        return headers

    def _receive(self, url: str, answer: Any, asked: int) -> None:
        start, total = 0, _length(answer.headers.get("Content-Length"))
        self.resumed = answer.status == 206
        if answer.status == 206:
            got = re.fullmatch(
                r"bytes (\d+)-(\d+)/(\d+|\*)", answer.headers.get("Content-Range", "")
            )
            if got is None or int(got.group(1)) != asked or not asked:
                self._forget()
                raise _Interrupted(f"answered with the part {answer.headers.get('Content-Range')}")
            start = asked
            total = None if got.group(3) == "*" else int(got.group(3))
        elif answer.status != 200:
            raise _Refused(f"HTTP {answer.status}, expected 200")
        self._check_head(answer, total)
        free = shutil.disk_usage(self.target.parent).free
        if total is not None and total - start > free:
            coming = f"{total - start:,} bytes are to come, {free:,} are free"
            raise OSError(errno.ENOSPC, coming, str(self.target))
        mark = answer.headers.get("ETag", "")
        if not mark or mark.startswith("W/"):  # weak tags may not prove a part
            mark = answer.headers.get("Last-Modified", "")
        with atomic(self.note) as tmp:
            tmp.write_text(json.dumps({"url": url, "mark": mark, "total": total}))
        done = start
        self._sum_up_to(start)
        with open(self.part, "r+b" if start else "wb") as file:
            file.seek(start)
            while piece := answer.read(_CHUNK):
                if done == 0 and _is_page(piece, self.target):
                    raise _Refused("answered with a web page (an error, a login or a form)")
                done += len(piece)
                if done > self.limit or (self.bytes is not None and done > self.bytes):
                    self._forget()
                    raise _Refused(f"sends more than {min(self.limit, self.bytes or done):,} bytes")
                file.write(piece)
                self._add(piece)
                if self.report is not None:
                    self.report(done, total)
        if total is not None and done < total:
            raise _Interrupted(f"the connection ended after {done:,} of {total:,} bytes")

    def _check_head(self, answer: Any, total: int | None) -> None:
        kind = answer.headers.get_content_type()
        if kind in ("text/html", "application/xhtml+xml") and not _may_be_page(self.target):
            raise _Refused(f"answered with a web page ({kind}: an error, a login or a form)")
        packed = answer.headers.get("Content-Encoding", "identity").lower()
        known = self.md5 is not None or self.sha256 is not None
        if packed != "identity" and not known and self.target.suffix not in (".gz", ".tgz"):
            raise _Refused(f"sends the file packed ({packed}), though asked not to")
        if total is None:
            return
        if total > self.limit:
            raise _Refused(f"has {total:,} bytes, more than the {self.limit:,} that are accepted")
        if self.bytes is not None and total != self.bytes:
            raise _Refused(f"has {total:,} bytes, expected {self.bytes:,}")

    # -- the end ------------------------------------------------------------------------------

    def _finished(self, url: str) -> Downloaded:
        size = self._size()
        self._sum_up_to(size)
        md5, sha256 = (one.hexdigest() for one in self.sums)
        for what, found, wanted in (
            ("bytes", size, self.bytes),
            ("MD5", md5, self.md5),
            ("SHA-256", sha256, self.sha256),
        ):
            if wanted is not None and found != wanted:
                self._forget()
                raise _Refused(f"gave a file with {what} {found}, expected {wanted}")
        with open(self.part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(self.part, self.target)
        self.note.unlink(missing_ok=True)
        return Downloaded(self.target, url, size, md5, sha256)

    def _restart_sums(self) -> None:
        self.sums, self.summed = (hashlib.md5(usedforsecurity=False), hashlib.sha256()), 0

    def _add(self, piece: Any) -> None:
        for one in self.sums:
            one.update(piece)
        self.summed += len(piece)

    def _sum_up_to(self, size: int) -> None:
        """Make the sums those of the first `size` bytes of the part."""
        if self.summed == size:
            return
        self._restart_sums()
        if size:
            with open(self.part, "rb") as file:
                while self.summed < size and (piece := file.read(min(_CHUNK, size - self.summed))):
                    self._add(piece)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # no note: the part cannot be proved by the server
        return known if isinstance(known, dict) else {}

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def _length(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _is_ours(error: OSError) -> bool:
    """Whether the disk failed, not the network."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
    return error.errno in full or (error.filename is not None and not _of_network(error))


def _of_network(error: OSError) -> bool:
    return isinstance(error, urllib.error.URLError | ConnectionError | TimeoutError)


def _wait(text: str | None) -> float:
    """Seconds of a Retry-After header: a number or a date."""
    if text is None:
        return 0.0
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _may_be_page(target: Path) -> bool:
    return target.suffix.lower() in (".html", ".htm", ".xhtml")


def _is_page(head: bytes, target: Path) -> bool:
    return not _may_be_page(target) and _PAGE.match(head[:2048]) is not None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
