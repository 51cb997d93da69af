"""A neuron's equations in LaTeX, and its page for notebooks: equations and table of parameters."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from neuro.neurons._equations import Line, lines

_GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
}  # fmt: skip
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Gt: ">", ast.GtE: r"\geq", ast.Lt: "<", ast.LtE: r"\leq",
    ast.Eq: "=", ast.NotEq: r"\neq", ast.And: r"\;\mathrm{and}\;", ast.Or: r"\;\mathrm{or}\;",
}  # fmt: skip
_FUNCTIONS = {
    "exp": r"\exp", "log": r"\ln", "tanh": r"\tanh", "cos": r"\cos", "sin": r"\sin",
    "maximum": r"\max", "minimum": r"\min", "max": r"\max", "min": r"\min",
}  # fmt: skip
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)  # how strongly an expression holds together


def latex(neuron: type, options: Mapping[str, str] | None = None) -> str:
    """The equations as one LaTeX display: an `aligned` environment, a row a line.

    Args:
        options: values of the neuron's options, to show only the branches that are taken.
    """
    rows, law = [], ""
    for line, row in zip(*typeset(neuron, options), strict=True):
        label = rf"\text{{{line.law}}}" if line.law != law else ""
        rows.append(rf"{label} &\quad {row}")
        law = line.law
    body = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def typeset(neuron: type, options: Mapping[str, str] | None = None) -> tuple[list[Line], list[str]]:
    """The lines of the laws, and each of them in LaTeX without its law."""
    found = lines(neuron, options)
    return found, [_row(line) for line in found]


def mathtext(row: str) -> str:
    r"""A row of LaTeX for matplotlib, which knows no environment, but fractions without a line."""
    for latex_form, own in (
        (r"\begin{cases}", r"\left\{\genfrac{}{}{0}{0}{"), (r"\end{cases}", r"}\right."),
        (r"\\ ", "}{"), ("&", r"\quad "), (r"\frac", r"\dfrac"),
    ):  # fmt: skip
        row = row.replace(latex_form, own)
    return row


def html(neuron: Any) -> str:
    """A neuron as a notebook shows it: what it is, its equations and its parameters' values."""
    heads = "".join(f"<th>{h}</th>" for h in ("parameter", "value", "unit", "bound", "meaning"))
    cells = []
    for row in neuron.table():
        value, unit = _number(getattr(neuron, row.name)), "" if row.unit == "1" else row.unit
        cells.append((f"${name(row.name)}$", value, unit, escape(row.bound()), escape(row.meaning)))
    for option, value in neuron.options().items():
        choices = ", ".join(dict(neuron._options())[option])
        cells.append((option, value, "", "", escape(f"one of {choices}")))
    body = "".join(f"<tr>{''.join(f'<td>{c}</td>' for c in row)}</tr>" for row in cells)
    return (
        f"<p><code>{escape(repr(neuron))}</code></p>\n"
        f"$$\n{escape(latex(type(neuron), neuron.options()), quote=False)}\n$$\n"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _number(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.min():g} to {value.max():g}"
    return f"{value:.6g}"


def name(text: str) -> str:
    r"""A name of the code as a symbol: tau_mem -> \tau_{\mathrm{mem}}, v_th, b1 -> b_{1}."""
    if text == "dt":
        return r"\Delta t"
    first, *rest = text.strip("_").split("_")
    stem = first.rstrip("0123456789")
    if stem and stem != first:
        first, rest = stem, [first[len(stem) :], *rest]
    old = bool(rest) and rest[-1] == "old"
    if old:
        rest = rest[:-1]
    below = f"_{{{','.join(_part(part) for part in rest)}}}" if rest else ""
    return _part(first) + below + (r"^{\mathrm{old}}" if old else "")


def _part(text: str) -> str:
    if text.lower() in _GREEK:
        return "\\" + text
    return text if len(text) == 1 or text.isdigit() else rf"\mathrm{{{text}}}"


def _row(line: Line) -> str:
    right = "" if line.right is None else _expression(line.right)
    match line.kind:
        case "=" | "<-":
            assert line.left is not None
            arrow = "=" if line.kind == "=" else r"\leftarrow"
            row = f"{_expression(line.left)} {arrow} {right}"
        case "> 0":
            row = rf"\mathrm{{spike\;if}}\; {right} > 0"
        case "if" | "elif":
            word = "if" if line.kind == "if" else r"else\;if"
            row = rf"\mathrm{{{word}}}\; {right}\mathrm{{:}}"
        case "else":
            row = r"\mathrm{else:}"
        case "repeat":
            row = rf"\mathrm{{repeat}}\;{right}\;\mathrm{{times:}}"
        case _:
            row = right
    return r"\quad " * (2 * line.depth) + row


def _expression(node: ast.expr) -> str:
    return _write(node)[0]


def _held(node: ast.expr, least: int) -> str:
    """An expression, in brackets unless it holds together as strongly as `least`."""
    text, strength = _write(node)
    return text if strength >= least else rf"\left({text}\right)"


def _write(node: ast.expr) -> tuple[str, int]:
    match node:
        case ast.Name(id=text):
            return name(text) if text.isidentifier() else _words(text), _ATOM
        case ast.Constant(value=bool() | str() as value):
            return _words(str(value)), _ATOM
        case ast.Constant(value=value):
            return _constant(value)
        case ast.Tuple(elts=elements):
            return rf"\left({', '.join(map(_expression, elements))}\right)", _ATOM
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_held(operand, _PRODUCT)}", _SUM
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return rf"\mathrm{{not}}\;{_held(operand, _SUM)}", _SUM
        case ast.BinOp(left=ast.UnaryOp(op=ast.USub(), operand=left), op=ast.Div(), right=right):
            return rf"-\frac{{{_expression(left)}}}{{{_expression(right)}}}", _SUM
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return rf"\frac{{{_expression(left)}}}{{{_expression(right)}}}", _PRODUCT
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(left, right)
        case ast.BinOp(op=ast.Mult()):
            return _product(node), _PRODUCT
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            second = _held(right, _PRODUCT if isinstance(op, ast.Sub) else _SUM)
            if second.startswith("-"):
                second = rf"\left({second}\right)"
            return f"{_held(left, _SUM)} {_OPERATORS[type(op)]} {second}", _SUM
        case ast.Compare(left=left, ops=ops, comparators=others):
            pairs = zip(ops, others, strict=True)
            tail = " ".join(f"{_OPERATORS[type(op)]} {_expression(o)}" for op, o in pairs)
            return f"{_expression(left)} {tail}", _SUM
        case ast.BoolOp(op=op, values=values):
            return _OPERATORS[type(op)].join(_held(v, _SUM) for v in values), _SUM
        case ast.IfExp(test=test, body=yes, orelse=no):
            return _cases(test, yes, no), _ATOM
        case ast.Call(func=ast.Name(id=function), args=args):
            return _call(function, args)
    return _words(ast.unparse(ast.fix_missing_locations(node))), _SUM


def _call(function: str, args: list[ast.expr]) -> tuple[str, int]:
    match function, args:
        case "where", [test, yes, no]:
            return _cases(test, yes, no), _ATOM
        case "power", [base, exponent]:
            return _power(base, exponent)
        case "abs", [x]:
            return rf"\left|{_expression(x)}\right|", _ATOM
        case "sqrt", [x]:
            return rf"\sqrt{{{_expression(x)}}}", _ATOM
    shown = _FUNCTIONS.get(function, rf"\mathrm{{{function.replace('_', ' ')}}}")
    shown = shown.replace(" ", r"\,")
    return rf"{shown}\left({', '.join(map(_expression, args))}\right)", _ATOM


def _cases(test: ast.expr, yes: ast.expr, no: ast.expr) -> str:
    return (
        rf"\begin{{cases}}{_expression(yes)} & \mathrm{{if}}\; {_expression(test)} \\ "
        rf"{_expression(no)} & \mathrm{{otherwise}}\end{{cases}}"
    )


def _power(base: ast.expr, exponent: ast.expr) -> tuple[str, int]:
    text, strength = _write(base)
    if strength < _ATOM or "^" in text:
        text = rf"\left({text}\right)"
    return f"{text}^{{{_expression(exponent)}}}", _POWER


def _product(node: ast.expr) -> str:
    """Factors in their order; the same one several times in a row is a power."""
    text, previous, count = "", None, 0
    for factor in [*_factors(node), None]:
        if previous is not None and (factor is None or ast.dump(factor) != ast.dump(previous)):
            shown = (
                _held(previous, _PRODUCT)
                if count == 1
                else _power(previous, ast.Constant(value=count))[0]
            )
            if text and shown.startswith("-"):
                shown = rf"\left({shown}\right)"
            between = "" if not text else r" \cdot " if shown[0].isdigit() else r"\, "
            text, count = text + between + shown, 0
        previous, count = factor, count + 1
    return text


def _factors(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return [*_factors(left), *_factors(right)]
    return [node]


def _constant(value: Any) -> tuple[str, int]:
    digits, _, exponent = f"{value:.12g}".partition("e")
    if not exponent:
        return digits, _ATOM
    power = rf"10^{{{int(exponent)}}}"
    return (power if digits == "1" else rf"{digits} \cdot {power}"), _PRODUCT


def _words(text: str) -> str:
    """Text that is no formula, e.g. an option's value."""
    kept = "".join(c if c.isalnum() or c in " .,:;()[]=<>+-*/'" else " " for c in text)
    return rf"\mathrm{{{kept.replace(' ', chr(92) + ';')}}}"
