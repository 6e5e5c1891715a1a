import pytest
from pydantic import ValidationError

from ddbook.kit import ranges
from ddbook.press.annotations import HOMES, KINDS, LISTS, NUMBERED, checker, in_words, is_list, read_type, takes_whole_numbers
from ddlib.files import InputError

ACCEPTED = {
    "int": ([-3, 0], [1.0, True, "1", None]),
    "float": ([0.5, 3, -1e9], [float("nan"), float("inf"), "1", True]),
    "bool": ([True], [1, "true"]),
    "str": (["", "x"], [1, None]),
    "float | None": ([None, 1.0], ["x"]),
    "PositiveInt": ([1], [0, -1]),
    "NonNegativeFloat": ([0, 0.5], [-1e-300]),
    "Seed": ([0, 2**31 - 1], [-1, 2**31]),
    "Share": ([1e-9, 0.999], [0, 1, 1.5]),
    "ShareOrZero": ([0, 0.999], [-1e-9, 1]),
    "HalfOrLess": ([1e-9, 0.5], [0, 0.6]),
    "Between[2, 4]": ([2, 4], [1, 5, 2.0]),
    "AtLeast[-3]": ([-3], [-4]),
    "Text": (["x"], [""]),
    "Pair[PositiveInt]": ([[1, 2]], [[1], [1, 2, 3], [0, 1]]),
    "OneOrMore[PositiveFloat]": ([[1.0], [1, 1]], [[], [0], 1.0]),
    "Distinct[Literal[5, 10]]": ([[5], [10, 5]], [[], [5, 5], [7]]),
    "Literal['cpu', 'cuda']": (["cpu"], ["gpu", "CPU", ""]),
    "list[Problem]": ([[], ["wave"]], [["Wave"], "wave"]),
}


@pytest.mark.parametrize("annotation", ACCEPTED)
def test_a_range_takes_its_own_values_and_no_other(annotation):
    good, bad = ACCEPTED[annotation]
    for value in good:
        assert checker(annotation).validate_python(value) == value
    for value in bad:
        with pytest.raises(ValidationError):
            checker(annotation).validate_python(value)
    assert in_words(read_type(annotation)).isprintable()


@pytest.mark.parametrize(
    "annotation",
    [
        "Literal",
        "unknown",
        "list[int, str]",
        "__import__('os')",
        "int.__class__",
        "'int'",
        "AtLeast",
        "AtLeast[1, 2]",
        "AtLeast[x]",
        "AtLeast[0.5]",
        "AtLeast[True]",
        "AtLeast[print()]",
        "Between[1]",
        "Between['a', 'b']",
        "Literal[x]",
        "Literal[print()]",
        "dict[str, int]",
        "int or str",
        "lambda: 0",
    ],
)
def test_nothing_else_is_an_annotation_and_nothing_is_executed(annotation):
    with pytest.raises(InputError, match="cannot be the type of a parameter"):
        read_type(annotation)


def test_grids_know_lists_and_whole_numbers_in_any_notation():
    assert all(takes_whole_numbers(read_type(a)) for a in ("int", "Seed", "OneOrMore[Between[1, 2]]", "list[Literal[5, 10]]"))
    assert not any(takes_whole_numbers(read_type(a)) for a in ("float", "str", "Distinct[Share]", "Literal['a']"))
    assert all(is_list(read_type(a)) for a in ("list[int]", "Distinct[Share]", "Pair[Text]"))
    assert not is_list(read_type("Share"))


def test_every_word_of_the_vocabulary_is_understood():
    assert {*ranges.__all__} == {*KINDS, *NUMBERED, *LISTS} - {"list"}
    assert HOMES["ddbook.kit.ranges"] == {*ranges.__all__}
