"""A notebook's parameters: the cell tagged ``parameters`` is the schema, and values are checked before a kernel starts."""

from __future__ import annotations

import ast
import contextlib
import difflib
import io
import tokenize
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from pydantic import ValidationError

from ddbook.press.annotations import HOMES, checker, in_words, is_text, names_in, options, read_type
from ddlib import yaml12
from ddlib.files import InputError

LONGEST = 60
"""Characters of a value in a message."""


class Parameter(NamedTuple):
    """One line of a parameters cell: ``name: annotation = default  # meaning``."""

    name: str
    annotation: str
    default: Any
    meaning: str

    @property
    def kind(self) -> Any:
        """The type that the annotation names, with its bounds."""
        return read_type(self.annotation)

    @property
    def wanted(self) -> str:
        """What a value has to be, in words."""
        return in_words(self.kind)

    def check(self, value: Any, where: str) -> Any:
        """The value as the annotation has it (3 becomes 3.0 for a float).

        Raises:
            InputError: if the value has another type, is out of its range, not finite, or too large for 64 bits.
        """
        try:
            checked = checker(self.annotation).validate_python(value)
        except ValidationError as error:
            problem = error.errors()[0]
            place = "".join(f"[{index}]" for index in problem["loc"] if isinstance(index, int))
            more = ", and finite" if problem["type"] == "finite_number" else ""
            raise self._refusal(where, place, problem["input"] if place else value, more) from None
        if any(not -(2**63) <= number < 2**63 for number in _whole_numbers(checked)):
            raise self._refusal(where, "", value, ", in 64 bits")
        return checked

    def _refusal(self, where: str, place: str, value: Any, more: str) -> InputError:
        words = [option for option in options(self.kind) if isinstance(option, str)]
        near = difflib.get_close_matches(value, words, n=1) if isinstance(value, str) else []
        hint = f": did you mean {near[0]!r}?" if near else ""
        subject = f"{self.name} " if place else ""
        return InputError(
            f"{where}: {self.name}{place} is {_shown(value)}, but {subject}must be {self.wanted}{more} ({self.meaning}){hint}"
        )

    def parse(self, text: str, where: str) -> Any:
        """The value of a text from the command line: as Python writes values, in YAML's notation, or the text itself.

        Raises:
            InputError: if no reading of the text is a value of this parameter.
        """
        readings = [*([text] if is_text(self.kind) else []), *_readings(text), text]  # "3" for `str | None`
        for reading in readings:
            try:
                return self.check(reading, where)
            except InputError:
                continue
        return self.check(readings[0], where)


def _readings(text: str) -> list[Any]:
    """What a text may stand for; Python's notation counts only where it is what Python itself would write, so not for 1_000."""
    found: list[Any] = []
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        value = ast.literal_eval(text)
        found += [value] if str(value) == text else []
    with contextlib.suppress(yaml12.NotYamlError, RecursionError):
        found.append(yaml12.load(text))
    return found


def _whole_numbers(value: Any) -> list[int]:
    if isinstance(value, list):
        return [number for item in value for number in _whole_numbers(item)]
    return [value] if isinstance(value, int) else []


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


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
    if any("injected-parameters" in cell.metadata.get("tags", []) for cell in cells):
        raise InputError(f"{notebook} has the parameters of a run in it: delete its cell tagged 'injected-parameters'")
    schema: dict[str, Parameter] = {}
    for parameter in _parse_cell(tagged[0], notebook):
        if parameter.name in schema:
            raise InputError(f"the parameters cell of {notebook} names {parameter.name!r} twice: keep one of the lines")
        schema[parameter.name] = parameter
    return schema


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
        InputError: for an unknown name, with the closest known one, or a value of another type or out of its range.
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
    imported = {name for node in tree.body if isinstance(node, ast.ImportFrom) for name in _imported(node, notebook)}
    lines = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
    return [_parse_line(node, comments, imported, notebook) for node in lines]


def _imported(node: ast.ImportFrom, notebook: Path) -> list[str]:
    """The names of an import line; only words for annotations are allowed."""
    known = HOMES.get(node.module or "", set()) if not node.level else set()
    for alias in node.names:
        if alias.name not in known or alias.asname:
            raise InputError(
                f"line {node.lineno} of the parameters cell of {notebook} imports {alias.name}: only the words for annotations in "
                "ddbook/kit/ranges.py may be imported there, under their own names"
            )
    return [alias.name for alias in node.names]


def _parse_line(node: ast.stmt, comments: Mapping[int, str], imported: set[str], notebook: Path) -> Parameter:
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
    read_type(parameter.annotation)
    missing = sorted(names_in(parameter.annotation) - imported)
    if missing:
        raise InputError(f"{place} uses {missing[0]}, which the cell does not import: add it to the cell's import line")
    return parameter._replace(default=parameter.check(default, place))
