import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ddlib.files import InputError, read_yaml
from ddlib.yaml12 import NotYamlError, load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("-7", -7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e-3", 0.001),
        ("1e5", 1e5),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("", None),
    ],
)
def test_scalars_have_the_meaning_of_the_core_schema(text, value):
    assert load(text) == value
    assert type(load(text)) is type(value)


SURPRISES = ["yes", "no", "on", "Off", "y", "1:30", "1_000", "0b11", "2020-01-01", "=", "<<", "tRUE", "1e", "0x"]


@pytest.mark.parametrize("text", SURPRISES)
def test_what_only_older_rules_read_is_a_text(text):
    assert load(text) == text
    assert load(f"[{text}]") == [text]
    assert load(f"{{{text}: 1}}") == {text: 1}


@pytest.mark.parametrize("text", ["{a: 1, a: 2}", "a:\n  b: 1\n  b: 1", "[{1: 2, 01: 3}]", "{[x]: 1}", "!!int x", "!thing x"])
def test_a_key_given_twice_or_a_strange_one_is_said(text):
    with pytest.raises(NotYamlError) as caught:
        load(text)
    assert caught.value.reason


def test_a_file_is_refused_in_one_sentence_with_its_line(tmp_path):
    path = tmp_path / "noise.yml"
    for content, line in (("hb: 0.4\nhb: 0.5", "line 2"), ("a: [", "line 1"), ("hb: 0.4\nalb: !x 2", "line 2")):
        path.write_text(content)
        with pytest.raises(InputError, match=line) as caught:
            read_yaml(path)
        assert "\n" not in str(caught.value)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(plain)
def test_what_pyyaml_writes_is_read_back(value):
    assert load(yaml.safe_dump(value)) == value
