"""The laws of a neuron as equations that people can read, taken from the laws' own source.

The lines are to be read one after the other, as the laws run. A name with the ending `_old` is the
value that a state variable had when the law began.
"""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from neuro import ops
from neuro.errors import InvalidValue

LAWS = ("derive", "flow", "receive", "fire", "jump")
# What the parameters of a law stand for: state, coefficients (or parameters), inputs, clock.
_ROLES = {"derive": "pc", "flow": "sp", "receive": "spx", "fire": "sp", "jump": "sp", "where": ""}


class Line(NamedTuple):
    """One line: an equation, or the head of the lines that are indented below it."""

    law: str
    depth: int
    kind: Literal["=", "<-", "> 0", "if", "elif", "else", "repeat", "code"]
    left: ast.expr | None
    right: ast.expr | None

    def text(self) -> str:
        """As plain text, in Python's notation."""
        left = "" if self.left is None else _unparse(self.left)
        right = "" if self.right is None else _unparse(self.right)
        shown = {
            "> 0": f"{right} > 0", "else": "else:", "repeat": f"repeat {right} times:",
            "if": f"if {right}:", "elif": f"elif {right}:", "code": right,
        }.get(self.kind, f"{left} {self.kind} {right}")  # fmt: skip
        return "    " * self.depth + shown


def equations(neuron: type) -> tuple[str, ...]:
    """`law: equation` for every line of the laws, in the order they run."""
    return tuple(f"{line.law + ':':<9}{line.text()}" for line in lines(neuron))


def lines(neuron: type, options: Mapping[str, str] | None = None) -> list[Line]:
    """The laws that a neuron defines, then the functions they call (as the law "where").

    Args:
        options: values of the neuron's options, to show only the branches that are taken.

    Raises:
        InvalidValue: Python does not have the source of the class.
    """
    base: Any = next(c for c in reversed(neuron.__mro__) if hasattr(c, "flow"))
    found: list[Line] = []
    called: dict[str, Callable[..., Any]] = {}
    for law in LAWS:
        function = getattr(neuron, law)
        if function is not getattr(base, law):
            found += _Reader(neuron, law, function, options or {}, called).read()
    done: set[str] = set()
    while waiting := [name for name in called if name not in done]:
        done.add(waiting[0])
        reader = _Reader(neuron, "where", called[waiting[0]], options or {}, called)
        found += reader.definition(waiting[0])
    return _needed(found, set(neuron.Coefficients._fields))  # type: ignore[attr-defined]


def _needed(found: list[Line], coefficients: set[str]) -> list[Line]:
    """Without what `derive` computes for checks and for the start only."""
    others = [line for line in found if line.law != "derive"]
    wanted = coefficients & {name for line in others if line.right for name in _used(line.right)}
    kept: list[Line] = []
    for line in reversed([line for line in found if line.law == "derive"]):
        inside = bool(kept) and kept[-1].depth > line.depth
        is_head = line.left is None and line.kind != "code"
        if (is_head and inside) or (line.left is not None and _used(line.left) & wanted):
            wanted |= _used(line.right) if line.right is not None else set()
            kept.append(line)
    return [*reversed(kept), *others]


def _used(node: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


class _Reader:
    """Reads one function into lines."""

    def __init__(
        self,
        neuron: type,
        law: str,
        function: Callable[..., Any],
        options: Mapping[str, str],
        called: dict[str, Callable[..., Any]],
        changed: set[str] | None = None,
    ) -> None:
        self.neuron, self.law, self.function = neuron, law, function
        self.options, self.called = options, called
        self.tree = _source(function)
        self.state: tuple[str, ...] = neuron.State._fields  # type: ignore[attr-defined]
        derives = law == "derive"
        self.fields = neuron.Coefficients._fields if derives else self.state  # type: ignore[attr-defined]
        self.changed = set() if changed is None else changed  # state variables with a new value
        self.given: dict[str, ast.expr] = {}  # arguments in place of parameters
        self.lines: list[Line] = []
        names = [a.arg for a in self.tree.args.args]
        self.roles = dict(zip(names, _ROLES[law], strict=False)) or {"p": "p"}

    def read(self) -> list[Line]:
        self._visit(self.tree.body, 0, None)
        return self.lines

    def definition(self, name: str) -> list[Line]:
        """`name(x) = result`, and below it what the result is made of."""
        kept = [a.arg for a in self.tree.args.args if a.arg not in self.roles]
        head = _call(name, [ast.Name(id=a) for a in kept])
        *body, last = self.tree.body
        plain = isinstance(last, ast.Return) and not any(
            isinstance(node, ast.If | ast.For) for node in body
        )
        if plain and isinstance(last, ast.Return) and last.value is not None:
            self._visit(body, 1, None)
            return [Line(self.law, 0, "=", head, self._shown(last.value)), *self.lines]
        self._visit(self.tree.body, 0, head)
        return self.lines

    # -- statements -----------------------------------------------------------------------------

    def _visit(self, body: list[ast.stmt], depth: int, target: ast.expr | None) -> None:
        """Lines of some statements; a bare result is given to `target`."""
        for position, node in enumerate(body):
            match node:
                case ast.Expr(value=ast.Constant()) | ast.Pass():  # docstrings
                    pass
                case ast.Expr() | ast.If(body=[ast.Raise()], orelse=[]) if self.law == "derive":
                    pass  # checks of the step
                case ast.Return(value=value):
                    self._result(value, depth, target)
                case ast.Assign(targets=[left], value=value):
                    self._assign(left, value, depth)
                case ast.AnnAssign(target=left, value=ast.expr() as value):
                    self._assign(left, value, depth)
                case ast.AugAssign(target=ast.Name(id=name) as left, op=op, value=value):
                    self._assign(left, ast.BinOp(ast.Name(id=name), op, value), depth)
                case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[count]), body=inner):
                    head = len(self.lines)
                    self._visit(inner, depth + 1, target)
                    if len(self.lines) > head:  # else it only repeats the law for more ticks
                        self.lines.insert(head, self._line(depth, "repeat", None, count))
                case ast.If(test=test, body=yes, orelse=no):
                    follows = not no and isinstance(yes[-1], ast.Return)
                    no = body[position + 1 :] if follows else no
                    self._branch(test, yes, no, depth, target)
                    if follows:
                        return
                case _:
                    code = ast.Name(id=ast.unparse(node))
                    self.lines.append(Line(self.law, depth, "code", None, code))

    def _branch(
        self,
        test: ast.expr,
        yes: list[ast.stmt],
        no: list[ast.stmt],
        depth: int,
        target: ast.expr | None,
    ) -> None:
        taken = self._decided(test)
        if taken is not None:
            self._visit(yes if taken else no, depth, target)
            return
        before = set(self.changed)
        at = len(self.lines)
        self._visit(yes, depth + 1, target)
        after, self.changed = self.changed, set(before)
        middle = len(self.lines)
        self._visit(no, depth + 1, target)
        self.changed |= after
        first, second = self.lines[at:middle], self.lines[middle:]
        del self.lines[at:]
        if first:
            self.lines += [self._line(depth, "if", None, test), *first]
            self.lines += _otherwise(second, self.law, depth)
        elif second:
            inverse = ast.UnaryOp(ast.Not(), test)
            self.lines += [self._line(depth, "if", None, inverse), *second]

    def _decided(self, test: ast.expr) -> bool | None:
        match test:
            case ast.Compare(
                left=ast.Attribute(attr=name), ops=[op], comparators=[ast.Constant(value=value)]
            ) if name in self.options:
                same = self.options[name] == value
                return same if isinstance(op, ast.Eq) else not same
        return None

    def _result(self, value: ast.expr | None, depth: int, target: ast.expr | None) -> None:
        match value:
            case ast.Call(
                func=ast.Attribute(attr="State" | "Coefficients" | "_replace"),
                args=args,
                keywords=named,
            ):
                for name, new in [
                    *zip(self.fields, args, strict=False),
                    *((str(k.arg), k.value) for k in named),
                ]:
                    self._assign(ast.Name(id=name), new, depth)
            case ast.Name(id=name) if self.roles.get(name) == "s":
                pass
            case ast.expr() if self.law == "fire" and target is None:
                self.lines.append(self._line(depth, "> 0", None, value))
            case ast.expr() if target is not None:
                if ast.unparse(self._shown(value)) != ast.unparse(target):
                    self.lines.append(self._equation(depth, target, value))
            case ast.Call():
                self._inline(value, depth, None)

    def _assign(self, left: ast.expr, value: ast.expr, depth: int) -> None:
        if self._same_law(value):
            return  # `s = flow(s, p, 1)`, for the ticks before the last one
        if isinstance(left, ast.Tuple):
            if isinstance(value, ast.Name) and self.roles.get(value.id) == "s":
                return  # `v, w = s`: the names are those of the state
            elements = self._elements(value, len(left.elts))
            if elements is not None and _independent(left, elements):
                for name, element in zip(left.elts, elements, strict=True):
                    self._assign(name, element, depth)
                return
            if elements is not None:
                value = ast.Tuple(elements)
        elif self._branches(value):
            self._inline(value, depth, left)  # type: ignore[arg-type]  # it is a call
            self._change(left)
            return
        if ast.unparse(self._shown(value)) != ast.unparse(left):  # `v = v` says nothing
            self.lines.append(self._equation(depth, left, value))
            self._change(left)

    def _change(self, left: ast.expr) -> None:
        self.changed |= _used(left) & set(self.state)

    def _equation(self, depth: int, left: ast.expr, value: ast.expr) -> Line:
        is_state = self.law not in ("derive", "where") and _used(left) & set(self.state)
        kind = "<-" if is_state else "="
        return self._line(depth, kind, left, value)

    def _line(self, depth: int, kind: Any, left: ast.expr | None, right: ast.expr) -> Line:
        return Line(self.law, depth, kind, left, self._shown(right))

    # -- functions that laws call ---------------------------------------------------------------

    def _called(self, value: ast.AST) -> Callable[..., Any] | None:
        """The function behind a call, unless it is one of `neuro.ops` or Python's own."""
        match value:
            case ast.Call(func=ast.Name(id=name)):
                found = _names(self.function).get(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)):
                known = _names(self.function).get(owner)
                if known is None and owner == self.neuron.__name__:  # defined in a function
                    known = self.neuron
                found = getattr(known, name, None) if inspect.isclass(known) else None
            case _:
                return None
        if not inspect.isfunction(found) or found.__module__ == ops.__name__:
            return None
        return found

    def _same_law(self, value: ast.expr) -> bool:
        return self.law in LAWS and self._called(value) is getattr(self.neuron, self.law)

    def _branches(self, value: ast.expr) -> bool:
        called = self._called(value)
        return called is not None and any(
            isinstance(node, ast.If | ast.For) for node in ast.walk(_source(called))
        )

    def _inline(self, call: ast.Call, depth: int, target: ast.expr | None) -> None:
        """The lines of a function as if they stood where it is called."""
        called = self._called(call)
        if called is None:
            raise InvalidValue(
                f"{self.neuron.__name__}.{self.law}: returns {ast.unparse(call)}, expected a State"
            )
        inner = _Reader(self.neuron, self.law, called, self.options, self.called, self.changed)
        inner.given, inner.roles = {}, {}
        names = [a.arg for a in inner.tree.args.args]
        named = [(str(k.arg), k.value) for k in call.keywords]
        for name, given in (*zip(names, call.args, strict=False), *named):
            if isinstance(given, ast.Name) and given.id in self.roles:
                inner.roles[name] = self.roles[given.id]
            else:
                inner.given[name] = self._shown(given)
        inner._visit(inner.tree.body, depth, target)
        self.lines += inner.lines

    def _elements(self, value: ast.expr, count: int) -> list[ast.expr] | None:
        """The expressions that an unpacked value consists of; None if that cannot be told."""
        match value:
            case ast.Tuple(elts=elements):
                return elements if len(elements) == count else None
            case ast.Call(func=ast.Name(id="zip"), args=args):
                columns = [self._elements(a, count) for a in args]
                if any(c is None for c in columns):
                    return None
                return [ast.Tuple(list(row)) for row in zip(*columns, strict=True)]  # type: ignore[arg-type]
            case ast.GeneratorExp(elt=wanted, generators=[ast.comprehension(ifs=[]) as each]):
                items = self._elements(each.iter, count)
                return items and [_filled(wanted, _bound(each.target, item)) for item in items]
            case ast.Call(args=args):
                called = self._called(value)
                tree = None if called is None else _source(called)
                body = [] if tree is None else [s for s in tree.body if not _docstring(s)]
                match body:
                    case [ast.Return(value=ast.Tuple(elts=elements))] if len(elements) == count:
                        names = [a.arg for a in tree.args.args]  # type: ignore[union-attr]
                        given = dict(zip(names, args, strict=True))
                        return [_filled(e, given) for e in elements]
        return None

    # -- expressions ----------------------------------------------------------------------------

    def _shown(self, node: ast.expr) -> ast.expr:
        return _Plain(self).visit(copy.deepcopy(node))


class _Plain(ast.NodeTransformer):
    """s.v -> v, p.alpha -> alpha, ops.exp(x) -> exp(x); what only a computer needs -> nothing."""

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        role = self.reader.roles.get(node.value.id) if isinstance(node.value, ast.Name) else None
        name = node.attr
        if role == "s":
            return ast.Name(id=f"{name}_old" if name in self.reader.changed else name)
        if role == "x" and name in self.reader.state:
            return ast.Name(id=f"{name}_in")
        if role == "p" and name in self.reader.state and self.reader.law != "derive":
            return ast.Name(id=f"{name}_par")
        return ast.Name(id=name)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.reader.given.get(node.id, node))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        called = self.reader._called(node)
        args = [a for a in (*node.args, *(k.value for k in node.keywords)) if self._says(a)]
        args = [self.visit(a) for a in args]
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name in ("stop", "bool", "float", "asarray"):
            return args[0]
        if name == "whole_ticks":
            return ast.BinOp(args[0], ast.Div(), ast.Name(id="dt"))
        if called is not None and self.reader.law != "derive":
            name = name.lstrip("_")
            self.reader.called.setdefault(name, called)
        return _call(name, args)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        taken = self.reader._decided(node.test)
        if taken is not None:
            return self.visit(node.body if taken else node.orelse)
        return self.generic_visit(node)  # type: ignore[return-value]

    def _says(self, argument: ast.expr) -> bool:
        """Whether an argument is a quantity: not all coefficients at once, nor a message."""
        match argument:
            case ast.Name(id=name):
                return name not in self.reader.roles
            case ast.Constant(value=value):
                return not isinstance(value, str)
        return True


def _call(name: str, args: list[Any]) -> ast.Call:
    return ast.Call(func=ast.Name(id=name), args=args, keywords=[])


def _otherwise(lines: list[Line], law: str, depth: int) -> list[Line]:
    """The lines of an else branch, as `elif` where the branch is nothing but another `if`."""
    if not lines:
        return []
    inner = depth + 1
    heads = [line for line in lines if line.depth == inner]
    if heads[0].kind == "if" and all(line.kind in ("elif", "else") for line in heads[1:]):
        first = lines[0]._replace(kind="elif")
        return [line._replace(depth=line.depth - 1) for line in (first, *lines[1:])]
    return [Line(law, depth, "else", None, None), *lines]


def _independent(left: ast.Tuple, values: list[ast.expr]) -> bool:
    """Whether assigning one name after the other gives the same as all at once."""
    for position, name in enumerate(left.elts):
        if any(ast.unparse(name) in _used(v) for v in values[position + 1 :]):
            return False
    return True


def _bound(target: ast.expr, value: ast.expr) -> dict[str, ast.expr]:
    """The names of a (nested) target with the values they take."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = zip(target.elts, value.elts, strict=True)
        return {name: bound for t, v in pairs for name, bound in _bound(t, v).items()}
    return {ast.unparse(target): value}


class _Filled(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.values.get(node.id, node))


def _filled(node: ast.expr, values: Mapping[str, ast.expr]) -> ast.expr:
    return _Filled(values).visit(copy.deepcopy(node))


def _docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _names(function: Callable[..., Any]) -> dict[str, Any]:
    """What the names in a function's body refer to."""
    cells = inspect.getclosurevars(function).nonlocals
    return {**function.__globals__, **cells}


def _source(function: Callable[..., Any]) -> ast.FunctionDef:
    try:
        text = inspect.getsource(function)
    except OSError as error:
        raise InvalidValue(
            f"{function.__qualname__}: Python does not have its source, so its equations cannot be "
            "shown; define the neuron in a file or in a notebook's cell"
        ) from error
    tree = ast.parse(textwrap.dedent(text)).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return tree


def _unparse(node: ast.expr) -> str:
    shown = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    return shown[1:-1] if isinstance(node, ast.Tuple) else shown
