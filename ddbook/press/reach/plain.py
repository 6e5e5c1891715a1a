"""Code without what changes nothing: docstrings, comments, layout, and what only type checkers read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ddbook.press.reach.syntax import root
from ddlib.files import InputError

MAGICS = ("run_cell_magic", "run_line_magic")


def plain(source: str) -> str:
    """A code cell without docstrings, comments and layout.

    A constant at the end stays, because the notebook shows it; so does a semicolon there, by which it shows nothing.

    Raises:
        InputError: if it is not Python, with IPython's magics.
    """
    code, tree = _read_cell(source)
    quiet = bool(tree.body) and isinstance(tree.body[-1], ast.Expr) and _behind(code, tree.body[-1]).startswith(";")
    strip(tree, shown=True)
    return ast.unparse(tree) + ";" * quiet


def parse_cell(source: str) -> ast.Module:
    """The syntax tree of a code cell, with the code that magics are given as text.

    Raises:
        InputError: if it is not Python, with IPython's magics.
    """
    _, tree = _read_cell(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    magics = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in MAGICS]
    texts = [text.value for call in magics for text in call.args if isinstance(text, ast.Constant)]
    tree.body += [statement for text in texts for statement in _guessed(str(text))]
    return tree


def _guessed(text: str) -> Iterator[ast.stmt]:
    """Code that may have words of a magic's own before it, such as ``-n 3 distil(task)``: all names then count."""
    try:
        yield from ast.parse(text).body
    except SyntaxError:
        for chain in re.findall(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*", text):
            first, *rest = chain.split(".")
            value: ast.expr = ast.Name(first, ast.Load())
            for name in rest:
                value = ast.Attribute(value, name, ast.Load())
            yield ast.Expr(value)


def _read_cell(source: str) -> tuple[str, ast.Module]:
    """Code and syntax tree of a cell."""
    try:
        return source, ast.parse(source)
    except (SyntaxError, ValueError):
        from IPython.core.inputtransformer2 import TransformerManager  # here, because it takes long to load and is rarely needed
    code = TransformerManager().transform_cell(source)
    try:
        return code, ast.parse(code)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        text = next(iter(code.splitlines()[line - 1 :]), "").strip()
        raise InputError(f"a code cell is not Python ({_problem(error)}): mend its line {line}, {text!r}") from None


def _behind(code: str, node: ast.stmt) -> str:
    """What stands behind a statement."""
    lines = code.encode().splitlines()[(node.end_lineno or 1) - 1 :]
    return b"\n".join([lines[0][node.end_col_offset or 0 :], *lines[1:]]).decode().lstrip()


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file.

    Raises:
        InputError: if it is not Python, or cannot be read.
    """
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise InputError(f"{path} is not Python ({_problem(error)}): mend its line {line}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): a run would not get to read it either") from None


def _problem(error: BaseException) -> str:
    return getattr(error, "msg", None) or str(error) or type(error).__name__


def strip(tree: ast.Module, shown: bool = False) -> None:
    """Take out of a tree what changes nothing: docstrings and other bare constants, and what stands under ``TYPE_CHECKING``.

    Args:
        tree: changed in place.
        shown: whether the last statement stays even if it is a constant, because a notebook shows it.
    """
    last = tree.body[-1:] if shown else []
    todo: list[ast.AST] = [tree]
    for node in todo:
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            block = getattr(node, part, None)
            if isinstance(block, list) and block:
                kept = [one for statement in block for one in ([statement] if statement in last else _kept(statement))]
                setattr(node, part, kept or [ast.Expr(ast.Constant(...))] * (part != "orelse" and node is not tree))
                todo += kept


def _kept(statement: ast.AST) -> list[ast.AST]:
    if isinstance(statement, ast.If) and root(statement.test) in (("TYPE_CHECKING",), ("typing", "TYPE_CHECKING")):
        return [one for inner in statement.orelse for one in _kept(inner)]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return []
    return [statement]
