"""A notebook's parameters: the cell tagged ``parameters`` is the schema, and values are checked before a kernel starts."""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import nbformat
import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from ddlib.files import InputError

TYPES: dict[str, Any] = {"int": int, "float": float, "bool": bool, "str": str, "list": list, "Literal": Literal}
ANNOTATION = (ast.Expression, ast.Name, ast.Subscript, ast.Tuple, ast.Constant, ast.BinOp, ast.BitOr, ast.Load)


class Parameter(NamedTuple):
    """One line of a parameters cell: ``name: annotation = default  # meaning``."""

    name: str
    annotation: str
    default: Any
    meaning: str

    def check(self, value: Any, where: str) -> Any:
        """The value as the annotation has it (3 becomes 3.0 for a float).

        Raises:
            InputError: if the value has another type or is not finite.
        """
        adapter = TypeAdapter(_type(self.annotation), config=ConfigDict(strict=True, allow_inf_nan=False))
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            problem = error.errors()[0]
            place = "".join(f"[{index}]" for index in problem["loc"] if isinstance(index, int))
            wanted = f"{self.annotation} ({self.meaning}): {problem['msg'].lower()}"
            raise InputError(f"{where}: {self.name}{place} is {value!r}, but must be {wanted}") from None

    def parse(self, text: str, where: str) -> Any:
        """The value of a text from the command line: in Python's or YAML's notation, or the text itself.

        Raises:
            InputError: if no reading of the text has the parameter's type.
        """
        readings: list[Any] = [text] if self.annotation == "str" else []
        for read in (ast.literal_eval, yaml.safe_load):  # YAML alone takes 1e-3 for a text
            try:
                readings.append(read(text))
            except (ValueError, SyntaxError, yaml.YAMLError, MemoryError, RecursionError):
                continue
        readings.append(text)  # as it is, for example "3" for `str | None`
        for reading in readings:
            try:
                return self.check(reading, where)
            except InputError:
                continue
        return self.check(readings[0], where)


def read_schema(notebook: Path) -> dict[str, Parameter]:
    """The parameters of a notebook, by name, in the order of its parameters cell.

    Raises:
        InputError: if there is no such notebook, or its parameters cell is missing, doubled or not of the documented form.
    """
    if not notebook.is_file():
        raise InputError(f"there is no notebook {notebook}: give the path of an .ipynb file, for example notebooks/01_….ipynb")
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except Exception as error:  # nbformat raises whatever its parsers raise
        raise InputError(
            f"{notebook} is not a Jupyter notebook ({type(error).__name__}): open and save it in Jupyter, or fetch it anew"
        ) from None
    tagged = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise InputError(
            f"{notebook} has {len(tagged)} cells tagged 'parameters' and needs exactly one: its parameters are read from there"
        )
    return {parameter.name: parameter for parameter in _parse_cell(tagged[0], notebook)}


def resolve(
    notebook: Path, profile: Mapping[str, Any] | None = None, given: Mapping[str, Any] | None = None, source: str = "the profile"
) -> dict[str, Any]:
    """All parameters of a run: the notebook's defaults, then the profile, then what was given by hand.

    Args:
        notebook: the notebook.
        profile: values from a profile.
        given: values from the command line, as text or already typed.
        source: how messages call the profile.

    Raises:
        InputError: for an unknown name, with the closest known one, or a value of another type.
    """
    schema = read_schema(notebook)
    values = {name: parameter.default for name, parameter in schema.items()}
    for where, chosen in ((source, profile or {}), ("-p", given or {})):
        for name, value in chosen.items():
            if name not in schema:
                raise InputError(f"{where}: {notebook.name} has no parameter {name!r}{closest(name, schema)}")
            read = schema[name].parse if where == "-p" and isinstance(value, str) else schema[name].check
            values[name] = read(value, where)
    return values


def closest(name: str, known: Iterable[str]) -> str:
    """A suggestion for a misspelt name, or the list of all names."""
    names = list(known)
    found = difflib.get_close_matches(name, names, n=1)
    return f": did you mean {found[0]!r}?" if found else f": it has {', '.join(names) or 'none'}"


def split_assignments(texts: Iterable[str]) -> dict[str, str]:
    """``["a=1", "b=x=y"]`` as a dictionary.

    Raises:
        InputError: if a text has no equals sign, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"-p {text!r} is not of the form name=value: write for example -p seed=1")
        if name.strip() in found:
            raise InputError(f"-p {name.strip()} was given twice: give each parameter once")
        found[name.strip()] = value
    return found


def _parse_cell(source: str, notebook: Path) -> list[Parameter]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise InputError(f"the parameters cell of {notebook} is not Python: line {error.lineno}, {error.msg}") from None
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    lines = [node for node in tree.body if not (isinstance(node, ast.ImportFrom) and node.module == "typing")]  # for Literal
    return [_parse_line(node, comments, notebook) for node in lines]


def _parse_line(node: ast.stmt, comments: Mapping[int, str], notebook: Path) -> Parameter:
    form = "write each parameter as `name: type = value  # meaning`"
    place = f"line {node.lineno} of the parameters cell of {notebook}"
    if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
        raise InputError(f"{place} is not an annotated assignment: {form}")
    meaning = comments.get(node.end_lineno or node.lineno, "")
    if not meaning:
        raise InputError(f"{place} has no comment that says what {node.target.id} means: {form}")
    try:
        default = ast.literal_eval(node.value)
    except ValueError:
        raise InputError(f"{place} computes its value: {form}, with a plain value") from None
    parameter = Parameter(node.target.id, ast.unparse(node.annotation), default, meaning)
    return parameter._replace(default=parameter.check(default, place))


def _type(annotation: str) -> Any:
    """The type that an annotation names; names outside ``TYPES`` are refused, so that nothing is executed."""
    tree = ast.parse(annotation, mode="eval")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if names - set(TYPES) or not all(isinstance(node, ANNOTATION) for node in ast.walk(tree)):
        raise InputError(
            f"{annotation!r} cannot be the type of a parameter: use int, float, bool, str, list[…], Literal[…] or … | None"
        )
    return eval(compile(tree, "<annotation>", "eval"), {"__builtins__": {}}, TYPES)
