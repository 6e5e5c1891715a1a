"""Every parameter of every chapter: what it takes, what it refuses, and that its cell says what the code says."""

import math
import re
from typing import get_args

import nbformat
import pytest
from papermill.translators import PythonTranslator

from ddbook.chapters.digits import intervals
from ddbook.chapters.merge.published.data import MOST_SEEDS
from ddbook.chapters.merge.published.experiment import BUDGETS
from ddbook.chapters.tails.opposite.setting import ROWS
from ddbook.chapters.tails.published.plans import AUTHORS
from ddbook.press.annotations import is_list, options, takes_whole_numbers
from ddbook.press.grid import read_grid
from ddbook.press.parameters import read_schema, resolve
from ddbook.press.profiles import chapters, plan, profile_names
from ddlib import datasets
from ddlib.datasets.cdisc import VISITS
from ddlib.datasets.pbcseq import YEARS
from ddlib.dbn.estimators.static import Transition
from ddlib.files import InputError
from ddlib.pinn import PROBLEMS
from tests import ROOT

FOLDER = ROOT / "notebooks"
SCHEMAS = {notebook: read_schema(notebook) for notebook in chapters(FOLDER)}
EVERY = [pytest.param(notebook, name, id=f"{notebook.stem[:2]}-{name}") for notebook, schema in SCHEMAS.items() for name in schema]


def numeric(default):
    """Whether a default is a number, or a list of some."""
    if isinstance(default, bool):
        return False
    return isinstance(default, int | float) or (isinstance(default, list) and bool(default) and numeric(default[0]))


NUMERIC = [case for case in EVERY if numeric(SCHEMAS[case.values[0]][case.values[1]].default)]


def accepted(notebook, name, value):
    try:
        return resolve(notebook, {name: value})[name] == value
    except InputError as refusal:
        assert "\n" not in str(refusal)
        assert name in str(refusal)
        return False


def elements(parameter):
    """How to give the parameter one value: itself, or in a list of the default's length."""
    if not is_list(parameter.kind):
        return lambda value: value
    return lambda value: [value, *parameter.default[1:]]


@pytest.mark.parametrize(("notebook", "name"), NUMERIC)
def test_no_number_is_taken_that_means_nothing(notebook, name):
    parameter = SCHEMAS[notebook][name]
    given = elements(parameter)
    large = [10**23] if takes_whole_numbers(parameter.kind) else []  # a number may be large
    for value in (-1, -1e-9, math.nan, math.inf, "text", True, None, *large):
        assert not accepted(notebook, name, given(value)), value
        with pytest.raises(InputError, match=name):
            resolve(notebook, given={name: str(given(value))})
    assert not accepted(notebook, name, given(10**400))


WHOLE = re.compile(r"a whole number (?:of (?P<least>-?\d+) or more|from (?P<first>-?\d+) to (?P<last>-?\d+))")
REAL = re.compile(r"(above|below|of at least|of at most) (-?[\d.]+)")


def edges(parameter):
    """Values at the ends of a range, and just outside, by the words that people are shown."""
    fixed = options(parameter.kind)
    if fixed:
        return fixed, [max(fixed) + 1]
    if found := WHOLE.search(parameter.wanted):
        low, high = int(found["least"] or found["first"]), int(found["last"] or 2**63 - 1)
        return [low, high], [low - 1, high + 1]
    ends = [(sign, float(end)) for sign, end in REAL.findall(parameter.wanted)]
    above = {"above": math.inf, "below": -math.inf, "of at least": -math.inf, "of at most": math.inf}
    beside = [(end, math.nextafter(end, above[sign]), sign in ("above", "below")) for sign, end in ends]
    return [near if open_end else end for end, near, open_end in beside], [
        end if open_end else near for end, near, open_end in beside
    ]


@pytest.mark.parametrize(("notebook", "name"), NUMERIC)
def test_a_range_ends_where_its_words_say(notebook, name):
    parameter = SCHEMAS[notebook][name]
    inside, outside = edges(parameter)
    assert outside, f"{name} has no range"
    given = elements(parameter) if name == "sizes" else (lambda value: [value] if is_list(parameter.kind) else value)
    assert all(accepted(notebook, name, given(value)) for value in inside)
    assert not any(accepted(notebook, name, given(value)) for value in outside)


MAY_BE_EMPTY = {"tables", "refined_budgets", "curves", "slow_problems", "independent_problems"}


@pytest.mark.parametrize(("notebook", "name"), EVERY)
def test_lists_hold_something_and_fixed_words_are_checked(notebook, name):
    parameter = SCHEMAS[notebook][name]
    if is_list(parameter.kind):
        assert accepted(notebook, name, []) == (name in MAY_BE_EMPTY)
    words = [option for option in options(parameter.kind) if isinstance(option, str)]
    given = (lambda value: [value]) if is_list(parameter.kind) else (lambda value: value)
    for word in words:
        assert accepted(notebook, name, given(word))
        with pytest.raises(InputError, match=f"did you mean '{word}'"):
            resolve(notebook, {name: given(f"{word}x")})


@pytest.mark.parametrize("notebook", SCHEMAS, ids=lambda path: path.stem)
def test_defaults_profiles_and_what_a_grid_passes_on_are_accepted(notebook):
    plans = [resolve(notebook), *(plan(FOLDER, profile)[notebook.stem] for profile in profile_names(FOLDER))]
    for values in plans:
        assert resolve(notebook, given={name: str(value) for name, value in values.items()}) == values


@pytest.mark.parametrize(
    ("stem", "grid"),
    [
        ("01_one_dataset_many_tasks", "replicates=2,0"),
        ("04_merge_hospitals", "hidden=0.5,1"),
        ("09_two_tails", "seed=-1..1"),
        ("11_opposite_tails", "problem_names=wave,waves"),
        ("05_merge_as_published", "ipc=10,[20,30]"),
        ("12_physical_faithfulness", "device=cpu,gpu"),
    ],
)
def test_a_grid_obeys_the_same_ranges(stem, grid):
    with pytest.raises(InputError, match=r"--grid: .* must be"):
        read_grid(read_schema(FOLDER / f"{stem}.ipynb"), [grid])


@pytest.mark.parametrize("notebook", SCHEMAS, ids=lambda path: path.stem)
def test_plain_jupyter_runs_the_cell_and_plain_papermill_knows_every_parameter(notebook):
    """Papermill warns of an unknown parameter where its own pattern does not match the line."""
    (cell,) = [cell for cell in nbformat.read(notebook, as_version=4).cells if "parameters" in cell.metadata.get("tags", [])]
    assert [parameter.name for parameter in PythonTranslator.inspect(cell)] == [*SCHEMAS[notebook]]
    namespace = {}
    exec(cell.source, namespace)
    assert {name: namespace[name] for name in SCHEMAS[notebook]} == resolve(notebook)


def test_the_cells_list_what_the_code_knows():
    schema = {notebook.stem[:2]: schema for notebook, schema in SCHEMAS.items()}
    assert options(schema["11"]["problem_names"].kind) == [*PROBLEMS]
    assert options(schema["10"]["budgets"].kind) == options(schema["10"]["curves"].kind) == [*AUTHORS]
    for name in ("ipc", "rebuilt_ipc", "long_ipc"):
        assert options(schema["05"][name].kind) == [*BUDGETS]
    assert options(schema["07"]["transition"].kind) == [word for word in get_args(Transition) if word != "none"]
    ends = {
        ("02", "budget"): datasets.diabetes().x.shape[-1] - 1,
        ("03", "interval_budgets"): intervals.SIZES[0],
        ("05", "replicates"): MOST_SEEDS,
        ("07", "cdisc_visits"): len(VISITS),
        ("07", "pbc_visits"): YEARS,
        ("11", "budgets"): ROWS - 1,
        ("12", "budget"): ROWS - 1,
    }
    for (chapter, name), most in ends.items():
        assert schema[chapter][name].wanted.endswith(f" to {most}")
    assert all(parameters["device"].wanted == "'cpu' or 'cuda'" for parameters in SCHEMAS.values())
