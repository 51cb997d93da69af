"""Prints the worst gradient error of every neuron and back end after the tests."""

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A row a neuron; a dash where a back end was not run, e.g. differences of a rounding law."""
    table: dict[str, dict[str, float]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", []):
                if name == "gradient":
                    neuron, column, error = value
                    table.setdefault(neuron, {})[column] = error
    if not table:
        return
    columns = list(dict.fromkeys(c for row in table.values() for c in row))
    write = terminalreporter.write_line
    terminalreporter.section("worst gradient error, relative to the largest gradient")
    write(f"{'':<18}" + "".join(f"{c:>17}" for c in columns))
    for neuron, row in sorted(table.items()):
        cells = (row.get(c, float("nan")) for c in columns)
        write(f"{neuron:<18}" + "".join(f"{'-' if e != e else f'{e:.1e}':>17}" for e in cells))
