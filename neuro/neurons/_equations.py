"""The laws of a neuron as equations that people can read, taken from the laws' own source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any


def law_lines(law: Any, target: str = "") -> list[str]:
    """`name <- expression` for every value that a law computes; `target` names a bare result."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(law))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    result = f"{target} <- " if target else ""
    suffix = " > 0" if law.__name__ == "fire" else ""
    lines: list[str] = []

    def assign(name: str, value: ast.expr, arrow: str, indent: str) -> None:
        called = _shared_law(law, value)
        if called is not None:
            lines.extend(indent + line for line in law_lines(called, name))
        elif _plain(value) != name:  # `v = v` says nothing to a reader
            lines.append(f"{indent}{name} {arrow} {_plain(value)}")

    def visit(body: list[ast.stmt], indent: str) -> None:
        for position, node in enumerate(body):
            match node:
                case ast.Return(
                    value=ast.Call(func=ast.Attribute(attr=attr), keywords=changes)
                ) if attr in ("State", "_replace"):
                    for change in changes:
                        assign(str(change.arg), change.value, "<-", indent)
                case ast.Return(value=value) if value is not None and (target or suffix):
                    if _plain(value) != target:
                        lines.append(f"{indent}{result}{_plain(value)}{suffix}")
                case ast.Assign(targets=[name], value=value):
                    assign(_plain(name), value, "=", indent)
                case ast.If(test=test, body=yes, orelse=no):
                    otherwise = no
                    if isinstance(yes[-1], ast.Return):  # what follows is the other branch
                        otherwise = no or body[position + 1 :]
                    lines.append(f"{indent}if {_plain(test)}:")
                    visit(yes, indent + "    ")
                    before = len(lines)
                    visit(otherwise, indent + "    ")
                    lines[before:] = _else(lines[before:], indent)
                    if otherwise is not no:
                        return
                case _:
                    pass  # docstrings

    visit(tree.body, "")
    return lines


def _else(lines: list[str], indent: str) -> list[str]:
    """The lines of an else branch, as `elif` where the branch is nothing but another `if`."""
    inner = indent + "    "
    continued = (inner + "    ", inner + "else:", inner + "elif ")
    if (
        lines
        and lines[0].startswith(inner + "if ")
        and all(line.startswith(continued) for line in lines[1:])
    ):
        return [f"{indent}el{lines[0][len(inner) :]}", *(line[4:] for line in lines[1:])]
    return [f"{indent}else:", *lines] if lines else []


def _shared_law(law: Any, value: ast.expr) -> Any:
    """The function that several neurons share, if the expression is a call of one."""
    match value:
        case ast.Call(func=ast.Name(id=name)):
            called = law.__globals__.get(name)
            return called if inspect.isfunction(called) else None
    return None


class _Plain(ast.NodeTransformer):
    """s.v -> v, p.alpha -> alpha, ops.exp -> exp, stop(x) -> x."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return ast.Name(id=node.attr)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "stop":
            return node.args[0]
        return node


def _plain(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(_Plain().visit(node)))
