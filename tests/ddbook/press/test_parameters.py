import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddbook.press.parameters import Parameter, read_schema, resolve, split_assignments
from ddbook.press.profiles import plan, read_profile
from ddlib.files import InputError
from tests.ddbook.press.notebooks import PARAMETERS, project, write


@pytest.fixture
def notebook(tmp_path):
    return write(project(tmp_path) / "notebooks" / "01_small.ipynb")


def test_the_cell_is_the_schema(notebook):
    schema = read_schema(notebook)
    assert list(schema) == ["seed", "scale", "sizes", "mode", "label", "limit"]
    assert schema["sizes"] == Parameter("sizes", "list[int]", [1, 2], "how many")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("7", "seed", 7),
        ("3", "scale", 3.0),
        ("1e-3", "scale", 0.001),
        ("[4,5]", "sizes", [4, 5]),
        ("slow", "mode", "slow"),
        ("3", "label", "3"),
        ("null", "limit", None),
        ("2.5", "limit", 2.5),
        ("3", "note", "3"),
        ("null", "note", None),
        ("on", "switch", "on"),
        ("010", "seed", 10),
        ("1e3", "scale", 1000.0),
        ("null", "limit", None),
        ("None", "limit", None),
        ("[010]", "sizes", [10]),
        (str(["it's", "C:\\x", 'a"']), "words", ["it's", "C:\\x", 'a"']),
        ("[yes, 1:30, 2020-01-01]", "words", ["yes", "1:30", "2020-01-01"]),
    ],
)
def test_text_from_the_command_line_becomes_a_typed_value(notebook, text, name, value):
    more = 'note: str | None = None  # a remark\nswitch: Literal["on", "off"] = "off"  # a word that YAML takes for a truth value'
    more += "\nwords: list[str] = []  # words"
    write(notebook, parameters=f"{PARAMETERS}\n{more}")
    found = resolve(notebook, given={name: text})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sede", "1", "no parameter 'sede': did you mean 'seed'"),
        ("zzz", "1", "it has seed, scale, sizes"),
        ("seed", "1.5", "seed is 1.5, but must be a whole number"),
        ("seed", "true", "seed is True, but must be a whole number"),
        ("seed", "many", "seed is 'many', but must be a whole number (seed of all draws)"),
        ("scale", ".inf", "must be a number, and finite (a factor)"),
        ("scale", "1e999", "must be a number, and finite (a factor)"),
        ("sizes", "3", "must be a list, each a whole number"),
        ("sizes", "[1, x]", r"sizes\[1\] is 'x', but sizes must be"),
        ("mode", "medium", "'fast' or 'slow'"),
        ("mode", "fats", "did you mean 'fast'?"),
        ("seed", "1_000", "seed is '1_000', but must be a whole number"),
        ("seed", "1:30", "seed is '1:30', but must be a whole number"),
        ("seed", "100000000000000000000000", "must be a whole number, in 64 bits"),
        ("seed", "-9223372036854775809", "in 64 bits"),
        ("sizes", "[1, 9223372036854775808]", "in 64 bits"),
        ("seed", "9" * 5000, "must be a whole number"),
        ("seed", "0x" + "f" * 5000, "seed is a number of thousands of digits"),
    ],
)
def test_an_unknown_name_or_a_wrong_type_is_one_clear_sentence(notebook, name, text, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(").replace(")", r"\)")) as caught:
        resolve(notebook, given={name: text})
    assert "\n" not in str(caught.value)


@given(st.floats())
def test_every_finite_float_survives_the_command_line(value):
    parameter = Parameter("scale", "float", 1.0, "a factor")
    if math.isfinite(value):
        assert parameter.parse(repr(value), "-p") == value
    else:
        with pytest.raises(InputError):
            parameter.parse(repr(value), "-p")


@given(st.text(alphabet="abc 019.[]{}:'\"#,-_eE\n", max_size=12))
def test_no_text_is_taken_for_an_int_that_is_none(text):
    parameter = Parameter("seed", "int", 0, "seed")
    try:
        assert type(parameter.parse(text, "-p")) is int
    except InputError as error:
        assert "must be a whole number" in str(error)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("seed = 0  # no type", "is not an annotated assignment"),
        ("seed: int = 0", "has no comment that says what seed means"),
        ("seed: int = 1 + len('x')  # computed", "computes its value"),
        ("seed: int = 'a'  # wrong", "seed is 'a', but must be a whole number"),
        ("seed: __import__('os') = 0  # evil", "cannot be the type of a parameter"),
        ("seed: int = (  # open", "is not Python"),
        ("seed: int = 0  # one\nseed: int = 1  # another", "names 'seed' twice"),
        ("seed: PositiveInt = 1  # seed", "uses PositiveInt, which the cell does not import"),
        ("from os import path\nseed: int = 0  # seed", "imports path: only the words"),
        ("from .ranges import Seed\nseed: Seed = 0  # seed", "imports Seed: only the words"),
        ("from pydantic import PositiveInt as int\nseed: int = 0  # seed", "imports PositiveInt: only the words"),
        ("from pydantic import PositiveInt\nseed: PositiveInt = 0  # seed", "seed is 0, but must be a whole number of 1 or more"),
        ("import os\nseed: int = 0  # seed", "is not an annotated assignment"),
    ],
)
def test_a_parameters_cell_of_another_form_is_refused(tmp_path, cell, message):
    with pytest.raises(InputError, match=message):
        read_schema(write(tmp_path / "bad.ipynb", parameters=cell))


def test_a_notebook_that_is_missing_or_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no notebook"):
        read_schema(tmp_path / "nowhere.ipynb")
    (tmp_path / "text.ipynb").write_text("not json")
    with pytest.raises(InputError, match="is not a Jupyter notebook"):
        read_schema(tmp_path / "text.ipynb")


def test_assignments_are_split_at_the_first_equals_sign():
    assert split_assignments(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(InputError, match="not of the form name=value"):
        split_assignments(["seed"])
    with pytest.raises(InputError, match="given twice"):
        split_assignments(["seed=1", "seed=2"])


def test_hand_goes_before_profile_and_profile_before_default(notebook):
    values = resolve(notebook, {"seed": 5, "label": "p"}, {"seed": "6"})
    assert (values["seed"], values["label"], values["scale"]) == (6, "p", 1.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("01_smal: {seed: 1}", "there is no notebook '01_smal': did you mean '01_small'"),
        ("01_small: {sede: 1}", "profile smoke: 01_small.ipynb has no parameter 'sede': did you mean 'seed'"),
        ("01_small: {seed: one}", "profile smoke: seed is 'one', but must be a whole number"),
        ("- 01_small", "is not a mapping of mappings"),
        ("01_small: [", "is not YAML: see its line"),
        ("01_small: {seed: 1}\n01_small: {seed: 2}", "line 2: the key '01_small' is given twice"),
        ("01_small:\n  seed: 1\n  seed: 2", "line 3: the key 'seed' is given twice"),
        ("01_small: {seed: 1_000}", "seed is '1_000', but must be a whole number"),
        ("01_small: {label: 010}", "label is 10, but must be a text"),
    ],
)
def test_profiles_are_checked_the_same_way(notebook, content, message):
    (notebook.parent / "profiles" / "smoke.yml").write_text(content)
    with pytest.raises(InputError, match=message):
        plan(notebook.parent, "smoke")


def test_an_unknown_profile_or_chapter_is_refused(notebook):
    with pytest.raises(InputError, match=r"no profile 'smok' in .*: did you mean 'smoke'"):
        read_profile(notebook.parent, "smok")
    with pytest.raises(InputError, match="there is no chapter '01_smal': did you mean"):
        plan(notebook.parent, "smoke", {"01_smal": {"seed": "1"}})
