"""The HTML page of a report: one file, no script, nothing fetched from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template
from typing import TYPE_CHECKING

from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1f1f1f; --soft: #5c5c5c; --rule: #dcdcdc;
  --tint: #f5f6f7; --accent: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --page: #16181b; --ink: #e8e8e8; --soft: #a8abb0; --rule: #34383e; --tint: #1f2226;
    --accent: #56b4e9; }
  figure img { filter: brightness(0.92); } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 3rem 0 .75rem; padding-top: .9rem;
  border-top: 1px solid var(--rule); }
p { margin: .5rem 0 1rem; max-width: 44rem; }
a { color: var(--accent); }
.lead { color: var(--soft); font-size: 1.05rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem;
  margin: 1.75rem 0 0; }
.facts div { background: var(--tint); border-radius: 6px; padding: .7rem .9rem; }
.facts dt { color: var(--soft); font-size: .8rem; }
.facts dd { margin: .1rem 0 0; font-size: 1.3rem; font-weight: 600; overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums; }
figure { margin: 1.25rem 0 1.75rem; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
figcaption { color: var(--soft); font-size: .88rem; line-height: 1.45; margin-top: .6rem;
  max-width: 44rem; }
figcaption b { color: var(--ink); }
th, td { text-align: left; vertical-align: top; padding: .3rem 1.5rem .3rem 0; font-size: .92rem;
  border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
th { font-weight: 500; color: var(--soft); white-space: nowrap; }
pre { background: var(--tint); border-radius: 6px; padding: .9rem 1rem; overflow-x: auto;
  font: .82rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
@media screen and (max-width: 40rem) { figure { overflow-x: auto; }
  figure img { max-width: none; } }
@media print {
  :root { --page: #fff; --ink: #000; --soft: #333; --rule: #bbb; --tint: #fff; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; }
  figure img { filter: none; }
  .facts div, pre { border: 1px solid var(--rule); }
  pre { white-space: pre-wrap; }
  figure, tr, .facts { break-inside: avoid; } h2 { break-after: avoid; }
  @page { margin: 18mm; } }
"""

# The policy makes a browser refuse whatever is not inside this file.
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$body
</main>
</body>
</html>
""")


class Page:
    """Collects the parts of a page in order; all text is escaped here."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts = [f"<h1>{escape(title)}</h1>"]
        self._figures = 0

    def lead(self, text: str) -> None:
        """A paragraph under the title."""
        self._parts.append(f'<p class="lead">{escape(text)}</p>')

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f'<h2 id="{_anchor(text)}">{escape(text)}</h2>')

    def contents(self, headings: Iterable[str]) -> None:
        """Links to sections by their headings."""
        links = ", ".join(f'<a href="#{_anchor(h)}">{escape(h)}</a>' for h in headings)
        self._parts.append(f"<p>{links}</p>")

    def paragraph(self, text: str) -> None:
        """Plain text."""
        self._parts.append(f"<p>{escape(text)}</p>")

    def code(self, text: str) -> None:
        """Text as it stands, in a fixed-width face."""
        self._parts.append(f"<pre>{escape(text)}</pre>")

    def facts(self, rows: Mapping[str, object]) -> None:
        """A few figures to be seen first."""
        cells = "\n".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(shown(value))}</dd></div>"
            for name, value in rows.items()
        )
        self._parts.append(f'<dl class="facts">\n{cells}\n</dl>')

    def table(self, rows: Mapping[str, object]) -> None:
        """Names and values, one row each."""
        cells = "\n".join(
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(shown(value))}</td></tr>'
            for name, value in rows.items()
        )
        self._parts.append(f"<table>\n{cells}\n</table>")

    def grid(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table with several columns."""
        top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
        cells = "\n".join(
            f"<tr>{''.join(f'<td>{escape(shown(value))}</td>' for value in row)}</tr>"
            for row in rows
        )
        self._parts.append(f"<table>\n<tr>{top}</tr>\n{cells}\n</table>")

    def figure(self, figure: Figure, caption: str, alt: str) -> None:
        """A numbered figure: vector graphics inside an image, isolated from the page."""
        self._figures += 1
        picture = b64encode(style.svg(figure)).decode()
        self._parts.append(
            f'<figure>\n<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{picture}">\n'
            f"<figcaption><b>Figure {self._figures}.</b> {escape(caption)}</figcaption>\n</figure>"
        )

    def html(self) -> str:
        """The whole file."""
        return _PAGE.substitute(
            title=escape(self._title), style=_STYLE, body="\n".join(self._parts)
        )


def _anchor(text: str) -> str:
    """A heading as the name of a place in the page."""
    return escape("-".join(text.split()))


def shown(value: object) -> str:
    """A value as a reader expects it: yes/no, grouped thousands, four significant digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if isinstance(value, float):
        if 1e4 <= abs(value) < 1e15:
            return shown(round(value))
        return f"{value:.4g}"
    return "none" if value is None or value == [] else str(value)
