"""Nothing is public by accident: each module says what is, and each public name has an example that runs.

A name is public that another part of the library, the study or a notebook imports: it stands in ``__all__`` of the module that
it is imported from. A module that only its own part imports, such as the page of the merge's report, is a helper without public
names, and needs no ``__all__``.
"""

import ast
import importlib
import inspect
import json
import pkgutil
import re
from functools import cache

import pytest

import ddlib
from tests import ROOT

EVERY = ["ddlib", *(module.name for module in pkgutil.walk_packages(ddlib.__path__, "ddlib."))]


def part(module: str) -> str:
    """The part of the library, or the room of the house, that a module is of."""
    return ".".join(module.split(".")[: 2 if module.startswith("ddlib.") else 1])


@cache
def code(module: str) -> str:
    return inspect.getsource(importlib.import_module(module))


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(code(module))


@cache
def public(module: str) -> tuple[str, ...]:
    return tuple(getattr(importlib.import_module(module), "__all__", ()))


@cache
def bound(module: str) -> dict[str, ast.stmt]:
    """The names without underscore that a module itself defines, with the statements that do."""
    names: dict[str, ast.stmt] = {}
    for statement in tree(module).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names |= {node.id: statement for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    return {name: statement for name, statement in names.items() if not name.startswith("_")}


@cache
def sources() -> list[tuple[str, str, ast.Module]]:
    """Every piece of code in sight: its room or part, its module where it is one, and its tree."""
    found = [(part(name), name, tree(name)) for name in EVERY]
    for room in ("ddbook", "tests", "benchmarks"):
        found += [(room, "", ast.parse(path.read_text(encoding="utf-8"))) for path in sorted((ROOT / room).rglob("*.py"))]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found += [("notebooks", "", ast.parse("".join(cell["source"]))) for cell in cells if cell["cell_type"] == "code"]
    return found


def used(node: ast.Module) -> set[tuple[str, str]]:
    """The names of modules of the library that a piece of code imports, takes as attributes, or has in a text beside the module."""
    names, modules = set(), {}
    for statement in ast.walk(node):
        if isinstance(statement, ast.ImportFrom) and statement.module:
            for alias in statement.names:
                whole = f"{statement.module}.{alias.name}"
                if whole in EVERY:
                    modules[alias.asname or alias.name] = whole
                elif statement.module in EVERY:
                    names.add((statement.module, alias.name))
        elif isinstance(statement, ast.Import):
            modules |= {alias.asname or alias.name: alias.name for alias in statement.names if alias.name in EVERY}
    texts = {inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)}
    reached = set(modules.values())
    for statement in ast.walk(node):
        if isinstance(statement, ast.Attribute):
            alias, *way = ast.unparse(statement).split(".")
            home, name = ".".join([modules.get(alias, alias), *way[:-1]]), way[-1]
            if alias in modules and home in EVERY:
                names.add((home, name))
                reached |= {f"{home}.{name}"} & set(EVERY)
    return names | {(module, text) for module in reached for text in texts if text.isidentifier()}


@cache
def users() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """For each name of a module, the other modules and rooms that use it."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for room, module, node in sources():
        for name in used(node):
            if name[0] != module:
                found.setdefault(name, set()).add((room, module))
    return found


def offered(module: str) -> set[str]:
    """What of a module is imported from outside its part, tests and benchmarks apart: they look inside."""
    inside = {part(module), "tests", "benchmarks"}
    return {name for (home, name), rooms in users().items() if home == module and not {room for room, _ in rooms} <= inside}


@pytest.mark.parametrize("module", EVERY)
def test_a_module_that_others_import_says_what_is_public(module):
    mine = {name for name in offered(module) if name in bound(module) or name in public(module)}
    assert mine <= set(public(module))
    if part(module) == module and bound(module):
        assert public(module), "a part of the library needs __all__"


@pytest.mark.parametrize("module", EVERY)
def test_what_is_public_is_defined_there_or_is_public_where_it_is_defined(module):
    here = importlib.import_module(module)
    assert len(set(public(module))) == len(public(module))
    for name in public(module):
        value = getattr(here, name)
        assert not name.startswith("_") and not inspect.ismodule(value)
        homes = [
            home
            for home in EVERY
            if home != module and name in bound(home) and getattr(importlib.import_module(home), name) is value
        ]
        assert name in bound(module) or any(name in public(home) for home in homes), name


@pytest.mark.parametrize("module", EVERY)
def test_a_name_that_nobody_else_uses_is_public_or_has_an_underscore(module):
    """But for the classes that are types of what others are given or give: these stand in signatures."""
    signatures = " ".join(
        ast.unparse(annotation)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        for annotation in (node.returns, *(argument.annotation for argument in node.args.args))
        if annotation
    )
    alone = [name for name in bound(module) if name not in public(module) and (module, name) not in users()]
    assert [name for name in alone if not (name[0].isupper() and re.search(rf"\b{name}\b", signatures))] == []


def is_documented(module: str, statement: ast.stmt) -> bool:
    """Whether a text follows an assignment, or a comment stands on its line."""
    body = tree(module).body
    after = body[body.index(statement) + 1 :][:1]
    texts = [node.value.value for node in after if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    return bool(texts and isinstance(texts[0], str)) or "  # " in code(module).splitlines()[statement.lineno - 1]


@pytest.mark.parametrize("module", EVERY)
def test_every_public_name_has_an_example_or_is_a_documented_constant(module):
    """Protocols, which nobody calls, need a text alone."""
    here = importlib.import_module(module)
    for name in set(public(module)) & set(bound(module)):
        statement, value = bound(module)[name], getattr(here, name)
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            text = ast.get_docstring(statement) or ""
            assert ">>> " in text or (text and getattr(value, "_is_protocol", False)), f"{name} has no example"
        else:
            assert is_documented(module, statement), f"nothing says what {name} is"
