"""However a CSV file's text is damaged: the result of the undamaged text, or one sentence and no file."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ddlib.files import InputError
from ddlib.merge.files import merge_files
from ddlib.merge.reading.options import ReadingOptions
from ddlib.merge.reading.tables import read_tables

COLUMNS = ("patient", "visit", "a", "b")


def text(seed, order=COLUMNS):
    """Four patients with three visits, some cells empty, as text without any damage."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(12, 2)).round(3), columns=["a", "b"]).mask(rng.random((12, 2)) < 0.1)
    frame.insert(0, "visit", np.tile([1, 2, 3], 4))
    frame.insert(0, "patient", np.repeat([1, 2, 3, 4], 3))
    return frame[list(order)].to_csv(index=False, lineterminator="\n")


def merged(folder, content):
    """The table that comes of the content and another, undamaged one."""
    (folder / "good.csv").write_text(text(7))
    (folder / "other.csv").write_text(content, newline="")
    inputs = [folder / "good.csv", folder / "other.csv"]
    return merge_files(inputs, "patient", "visit", folder / "out.csv", rows=4, iterations=2, force=True).merged.table


def alike(folder, *contents):
    """Whether two texts are read as the same table."""
    found = []
    for content in contents:
        path = folder / "other.csv"
        path.write_text(content, newline="")
        found.append(read_tables([path], "patient", "visit").frames["other.csv"])
        path.unlink()
    return found[0].equals(found[1])


def inserted(content, place, what):
    return content[:place] + what + content[place:]


@st.composite
def damages(draw, content):
    """The text with one thing gone wrong with it."""
    lines = content.split("\n")[:-1]
    n = draw(st.integers(0, len(lines) - 1))
    some = draw(st.sampled_from([[n], [0], list(range(1, len(lines))), list(range(len(lines)))]))
    kind = draw(st.sampled_from(["end", "comma", "lose", "quotes", "quoted", "semicolons", "mark", "blank", "breaks", "space"]))
    event(kind)
    if kind == "end":
        what = draw(st.sampled_from([",", ",,", ";", ",7", ", ", '"', '""', " "]))
        return "\n".join(line + what * (k in some) for k, line in enumerate(lines)) + "\n"
    if kind == "comma":
        return inserted(content, draw(st.integers(0, len(content))), ",")
    if kind == "lose":
        places = [k for k, sign in enumerate(content) if sign == ","]
        place = draw(st.sampled_from(places))
        return content[:place] + content[place + 1 :]
    if kind == "quotes":
        for _ in range(draw(st.integers(1, 4))):
            content = inserted(content, draw(st.integers(0, len(content))), '"')
        return content
    if kind == "quoted":
        stream = io.StringIO()
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows(csv.reader(lines))
        return stream.getvalue()
    if kind == "semicolons":
        one = draw(st.integers(1, 3))
        return "\n".join(line.replace(",", ";", one) if k in some else line for k, line in enumerate(lines)) + "\n"
    if kind == "mark":
        place = draw(st.sampled_from([0, 0, content.index("\n", draw(st.integers(0, len(content) - 1))) + 1]))
        return inserted(content, place, "\ufeff" * draw(st.integers(1, 2)))
    if kind == "blank":
        return "\n".join([*lines[:n], *draw(st.lists(st.sampled_from(["", " ", "\t", "\r", ",,,", '""', '" "']))), *lines[n:], ""])
    if kind == "breaks":
        if draw(st.booleans()):
            return inserted(content, draw(st.integers(0, len(content))), draw(st.sampled_from(["\r", "\n", "\r\n"])))
        return content.replace("\n", draw(st.sampled_from(["\r", "\r\n", "\n\n", "\r\n\r\n"]))).rstrip()
    return "\n".join(
        line.replace(",", draw(st.sampled_from([" ,", ", ", " , "])), 1) if k in some else line for k, line in enumerate(lines)
    )


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    return merged(tmp_path_factory.mktemp("undamaged"), text(1))


@settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_damaged_text_is_refused_or_means_the_same(wanted, data):
    order = data.draw(st.permutations(COLUMNS))
    content = text(1, order)
    damaged = data.draw(damages(content))
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            if alike(folder, damaged, content):
                return  # what comes of it is the same
            found = merged(folder, damaged)
        except InputError as error:
            said = str(error)
            event("refused")
            assert said and "\n" not in said and len(said) < 600
            assert {path.name for path in folder.iterdir()} <= {"good.csv", "other.csv"}
        else:
            event("read")
            pd.testing.assert_frame_equal(found, wanted, check_exact=True)


def test_a_text_of_several_lines_is_no_damage(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text('patient,visit,a,note\n1,1,2.5,"fever,\nthen none"\n1,2,2.0,well\n')
    found = read_tables([path], "patient", "visit", ReadingOptions(drop=("note",))).frames["notes.csv"]
    assert found["note"].tolist() == ["fever,\nthen none", "well"]
