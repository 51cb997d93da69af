"""The report of a run: what was learned, how it looks inside and how to repeat it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.files import atomic
from neuro.metrics import SynapticOperations
from neuro.network import Network
from neuro.plot import style
from neuro.plot._page import Page, shown
from neuro.plot.activity import activity
from neuro.plot.confusion import confusion
from neuro.plot.event_strip import event_strip
from neuro.plot.histograms import rates, weights
from neuro.plot.learning_curves import learning_curves
from neuro.plot.sample import Sample
from neuro.plot.synops import short, synops
from neuro.plot.traces import traces

_NEVER_WRONG = "No test sample was classified wrongly, so there is none to compare with."
_NEVER_RIGHT = "No test sample was classified rightly, so there is none to compare with."


@dataclass(frozen=True, eq=False)
class Report:
    """All that a report shows. Nothing is computed from data that is not here.

    Args:
        title: heading of the page.
        summary: the figures to be seen first, name -> value, e.g. {"Test accuracy": "97.8 %"}.
        network: as trained.
        history: one dictionary per epoch, as `neuro.plot.learning_curves` takes it.
        confusion: counts [C, C], rows are true classes.
        correct, wrong: a sample of each kind; None if there is none. Their records need the
            signal that each population emits, "<input>.spikes" included, for the rasters, and
            "<name>.v" of hidden populations for the traces.
        rates: firing rates in Hz by population, in the order of the network.
        synops: of the test samples.
        environment: as from `neuro.doctor.environment`.
        seed: that all randomness of the run came from.
        command: line that repeats the run.
        classes: names of the classes; numbers by default.
        about: a sentence or two under the title.
    """

    title: str
    summary: Mapping[str, object]
    network: Network
    history: Sequence[Mapping[str, float]]
    confusion: NDArray[np.int64]
    correct: Sample | None
    wrong: Sample | None
    rates: Mapping[str, NDArray[np.float64]]
    synops: SynapticOperations
    environment: Mapping[str, Any]
    seed: int
    command: str
    classes: Sequence[str] | None = None
    about: str = ""


def write_report(path: str | os.PathLike[str], report: Report) -> None:
    """Write one self-contained HTML file, atomically: no script, nothing fetched from elsewhere.

    Raises:
        InvalidValue: a part of the report does not fit its figure.
        UnknownName: a sample's record lacks a signal that is to be drawn.
        MissingExtra: matplotlib is not installed.
        OSError: the file cannot be written; whatever was there before is untouched.
    """
    page = Page(report.title)
    if report.about:
        page.lead(report.about)
    page.facts(report.summary)
    _learning(page, report)
    _camera(page, report)
    _activity(page, report)
    _membranes(page, report)
    _statistics(page, report)
    _cost(page, report)
    _network(page, report)
    _reproduce(page, report)
    with atomic(path) as tmp:
        tmp.write_text(page.html(), encoding="utf-8")


def _learning(page: Page, report: Report) -> None:
    page.heading("Learning")
    if report.history:
        epochs = len(report.history)
        page.figure(
            learning_curves(report.history),
            "Loss and accuracy over the epochs of training.",
            f"Learning curves over {epochs} epochs.",
        )
    else:
        page.paragraph("The network was not trained in this run, so there are no learning curves.")
    counts = np.asarray(report.confusion)
    page.figure(
        confusion(counts, report.classes),
        "Confusion matrix of the test samples. Blue: right answers, by their share of the row; "
        "vermillion: errors, on a scale of their own. An empty cell means none.",
        f"Confusion matrix: {int(np.trace(counts))} of {int(counts.sum())} test samples right.",
    )


def _camera(page: Page, report: Report) -> None:
    sample = report.correct or report.wrong
    if sample is None or sample.events is None or len(sample.events.shape) != 3:
        return  # not a camera, so there is no picture to show
    page.heading("What the sensor saw")
    events = sample.events
    length = 1e3 * float(events.clock.seconds(events.duration))
    page.figure(
        event_strip(events),
        f"Class {_class(report, sample.label)}, {_called(sample)}: {shown(len(events))} events in "
        f"{length:.0f} ms, in frames of equal length.",
        f"Filmstrip of camera events of a sample of class {_class(report, sample.label)}.",
    )


def _activity(page: Page, report: Report) -> None:
    page.heading("From events to decision")
    columns = {
        f"{kind}: {_class(report, sample.label)} taken for {_class(report, sample.predicted)}"
        if kind == "Wrong"
        else f"{kind}: {_class(report, sample.label)}": sample
        for kind, sample in (("Correct", report.correct), ("Wrong", report.wrong))
        if sample is not None
    }
    if columns:
        page.figure(
            activity(report.network, columns),
            "Every layer of the network in order: one mark for each spike, and the membranes of a "
            f"readout without spikes. {' '.join(f'{k}.' for k in _origins(report))}",
            "Spike rasters of every layer. " + "; ".join(columns) + ".",
        )
    if report.wrong is None:
        page.paragraph(_NEVER_WRONG)
    if report.correct is None:
        page.paragraph(_NEVER_RIGHT)


def _membranes(page: Page, report: Report) -> None:
    sample = report.correct or report.wrong
    if sample is None:
        return
    colors = style.layer_colors(report.network.populations)
    spiking = {n: p for n, p in report.network.neurons().items() if p.emits == "spikes"}
    for name, neuron in spiking.items():
        if f"{name}.v" not in sample.record:
            page.paragraph(f"The membrane of {name} was not recorded (signal {name + '.v'!r}).")
            continue
        page.figure(
            traces(
                sample.signal(f"{name}.v"), sample.record.clock,
                threshold=neuron.values().get("v_th"), spikes=sample.signal(f"{name}.spikes"),
                title=name, color=colors[name],
            ),
            f"Membrane potential in {name}, {_called(sample)}: four units, from the most to the "
            "least active of those that spiked. A stroke is a spike; the membrane is shown after "
            "its reset.",
            f"Membrane traces of units of {name} with threshold and spikes.",
        )  # fmt: skip


def _statistics(page: Page, report: Report) -> None:
    page.heading("Firing rates and weights")
    page.figure(
        rates(report.rates),
        "Mean firing rate of each unit over the test samples. Dashed: median.",
        "Histograms of firing rates: " + "; ".join(
            f"{name}, mean {np.mean(r):.3g} Hz" for name, r in report.rates.items()) + ".",
    )  # fmt: skip
    page.figure(
        weights(report.network),
        "Weights of each synapse group. Dashed: zero.",
        f"Histograms of weights of {len(report.network.synapses)} synapse groups.",
    )


def _cost(page: Page, report: Report) -> None:
    total = report.synops.total
    page.heading("Synaptic operations")
    page.figure(
        synops(report.synops),
        "Synaptic operations per sample, mean over the test samples, beside those of a network "
        "in which every unit sends a value at every step. Names as in NeuroBench (Yik et al., "
        "Nature Communications 16, 1545, 2025).",
        f"Bar chart: {short(total.per_sample)} effective and {short(total.dense_per_sample)} dense "
        "operations per sample.",
    )


def _network(page: Page, report: Report) -> None:
    page.heading("Network")
    page.code(repr(report.network))
    page.paragraph("Neuron equations, in the order in which they run within a tick, and defaults:")
    for neuron in dict.fromkeys(type(p) for p in report.network.neurons().values()):
        page.code(neuron.describe())


def _reproduce(page: Page, report: Report) -> None:
    page.heading("Environment")
    page.table({"seed": report.seed, **_flat(report.environment),
                "network fingerprint": report.network.fingerprint})  # fmt: skip
    page.heading("Repeat this run")
    page.code(report.command)


def _flat(environment: Mapping[str, Any]) -> dict[str, object]:
    """Nested facts as one level: "torch threads"; installed packages in one row."""
    rows: dict[str, object] = {}
    for key, value in environment.items():
        if key == "packages" and isinstance(value, Mapping):
            installed = [f"{name} {version}" for name, version in value.items() if version]
            rows["packages"] = ", ".join(installed)
        elif isinstance(value, Mapping):
            rows |= {f"{key} {inner.replace('_', ' ')}": v for inner, v in value.items()}
        else:
            rows[key] = value
    return {k: ", ".join(map(str, v)) if isinstance(v, list | tuple) and v else v
            for k, v in rows.items()}  # fmt: skip


def _class(report: Report, number: int) -> str:
    return str(number if report.classes is None else report.classes[number])


def _called(sample: Sample) -> str:
    return sample.name or "one test sample"


def _origins(report: Report) -> list[str]:
    pairs = (("Correct", report.correct), ("Wrong", report.wrong))
    return [f"{kind}: {s.name}" for kind, s in pairs if s is not None and s.name]
