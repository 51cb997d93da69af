"""The process around readers of event files: requests as JSON lines, only the reading is timed.

Every reader ends with the whole recording in memory. Run by neuro's Python and by that of the
peers: `python -m contest.events_readers`. Requests:

    {"do": "who"}                                     which readers are installed, with versions
    {"do": "read", "who": name, "file": ..., "format": ..., "sensor": [...], "budget": seconds,
     "bare": the same for peers, where they need another}
    {"do": "bin", "who": name, "file": npy of columns, "sensor": [...], "window": microseconds,
     "budget": seconds}
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

PACKAGES = {
    "neuro": "neuro", "faery": "faery", "expelliarmus": "expelliarmus",
    "event_stream": "event_stream", "aedat": "aedat", "dv_processing": "dv-processing",
    "tonic": "tonic", "numpy": "numpy",
}  # fmt: skip
READS = {  # format -> who reads it
    "evt2": ("faery", "expelliarmus"),
    "evt3": ("faery", "expelliarmus"),
    "dat": ("faery", "expelliarmus"),
    "es": ("faery", "event_stream"),
    "aedat2": ("tonic",),
    "aedat4": ("faery", "aedat", "dv_processing"),
    "csv": ("faery", "numpy"),
    "nmnist": ("tonic",),
}


def neuro(request: dict[str, Any]) -> int:
    from neuro.formats import read_events

    return len(read_events(request["file"], format=request["format"], sensor=request["sensor"]))


def faery(request: dict[str, Any]) -> int:
    import faery as package

    more: dict[str, Any] = {}
    if request["format"] == "csv":
        more["csv_properties"] = package.CsvProperties(
            has_header=False, separator=b",", t_index=0, x_index=1, y_index=2, on_index=3,
            t_scale=0.0, on_value=b"1", off_value=b"0", skip_errors=False,
        )  # fmt: skip
    rows, columns = request["sensor"][-2:]
    stream = package.events_stream_from_file(
        request["file"], dimensions_fallback=(columns, rows), **more
    )
    return len(stream.to_array())


def expelliarmus(request: dict[str, Any]) -> int:
    from expelliarmus import Wizard

    return len(Wizard(encoding=request["format"]).read(request["file"]))


def event_stream(request: dict[str, Any]) -> int:
    import event_stream as package

    with package.Decoder(request["file"]) as decoder:
        return len(np.concatenate(list(decoder)))


def aedat(request: dict[str, Any]) -> int:
    import aedat as package

    packets = package.Decoder(request["file"])
    return len(np.concatenate([packet["events"] for packet in packets if "events" in packet]))


def dv_processing(request: dict[str, Any]) -> int:
    import dv_processing as package

    recording, store = package.io.MonoCameraRecording(request["file"]), package.EventStore()
    while (batch := recording.getNextEventBatch()) is not None:
        store.add(batch)
    return len(store.numpy())


def tonic(request: dict[str, Any]) -> int:
    import tonic.io

    if request["format"] == "nmnist":
        return len(tonic.io.read_mnist_file(request["file"], tonic.io.events_struct))
    return len(tonic.io.read_davis_346(request["file"])[-1])


def numpy(request: dict[str, Any]) -> int:
    return len(np.loadtxt(request["file"], np.int64, delimiter=","))


READERS: dict[str, Callable[[dict[str, Any]], int]] = {
    f.__name__: f
    for f in (neuro, faery, expelliarmus, event_stream, aedat, dv_processing, tonic, numpy)
}


def binning(request: dict[str, Any]) -> Callable[[], int]:
    """Frames of equal time of given events; returns a function that makes them and counts."""
    t, x, y, p = np.load(request["file"])
    rows, columns = request["sensor"][-2:]
    if request["who"] == "neuro":
        from neuro import Clock, Events
        from neuro.transforms import to_frames
        from neuro.units import us

        unit = (p * rows + y) * columns + x
        events = Events.sorted(t, unit, shape=(2, rows, columns), clock=Clock(1 * us))
        return lambda: int(to_frames(events, width=request["window"] * us).sum(dtype=np.int64))
    import tonic.io
    import tonic.transforms

    held = tonic.io.make_structured_array(x, y, t, p, dtype=tonic.io.events_struct)
    change = tonic.transforms.ToFrame(
        sensor_size=(columns, rows, 2), time_window=request["window"], include_incomplete=True
    )
    return lambda: int(change(held).sum(dtype=np.int64))


def timed(action: Callable[[], int], budget: float) -> dict[str, Any]:
    """Median seconds of as many runs as begin within the budget, at least one, and the count."""
    taken: list[float] = []
    while not taken or sum(taken) < budget:
        begun = time.perf_counter()
        events = action()
        taken.append(time.perf_counter() - begun)
    return {"s": statistics.median(taken), "events": events}


def versions() -> dict[str, str]:
    found = {}
    for name, package in PACKAGES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            continue
    return found


def answer(request: dict[str, Any]) -> dict[str, Any]:
    if request["do"] == "who":
        return {"versions": versions()}
    if request["do"] == "bin":
        return timed(binning(request), request["budget"])
    read = READERS[request["who"]]
    if request["who"] != "neuro":
        request["file"] = request.get("bare", request["file"])
    return timed(lambda: read(request), request["budget"])


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get among the answers
    for line in sys.stdin:
        try:
            said = answer(json.loads(line))
        except BaseException as error:  # Rust's panics are no Exception
            said = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
