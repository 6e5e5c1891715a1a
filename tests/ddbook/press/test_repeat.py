"""The same seeds twice: what depends on anything else is found, measured times apart."""

import pytest

from ddbook.press.repeat import lasting, read, repeat, write
from ddlib.files import InputError
from tests.ddbook.press.notebooks import project
from tests.ddbook.press.notebooks import write as notebook

PARAMETERS = "seed: int = 0  # seed\ndevice: str = 'cpu'  # where"
SETUP = """\
import random, time
import pandas as pd
from ddbook.press import Recorder
record = Recorder("{stem}")
source = random.Random({source})
record.table("scores", pd.DataFrame({{"score": [source.random()], "seconds": [time.perf_counter()]}}))
record.number("error", source.random())
record.number("fit_seconds", time.perf_counter(), unit="s");"""


@pytest.mark.notebook
def test_a_chapter_that_depends_on_more_than_its_seed_is_found(tmp_path):
    root = project(tmp_path)
    for stem, source in (("01_true", "seed"), ("02_false", "")):
        notebook(root / "notebooks" / f"{stem}.ipynb", SETUP.format(stem=stem, source=source), parameters=PARAMETERS)
    found = repeat(root, "smoke", say=lambda _: None)
    true, false = found.chapters
    assert (true.chapter, true.files, true.different) == ("01_true", 2, [])
    assert false.different == ["numbers.json", "scores.csv"]
    assert read(root) is None
    write(root, found)
    assert read(root) == found
    path = root / "reference" / "repeat.json"
    path.write_text(path.read_text().replace('"scores.csv"', '"others.csv"'))
    with pytest.raises(InputError, match=r"repeat\.json was edited"):
        read(root)


@pytest.mark.notebook
def test_a_chapter_that_fails_is_listed_and_the_others_are_compared(tmp_path):
    root = project(tmp_path)
    notebook(root / "notebooks" / "01_broken.ipynb", "raise ValueError('no data')", parameters=PARAMETERS)
    notebook(root / "notebooks" / "02_true.ipynb", SETUP.format(stem="02_true", source="seed"), parameters=PARAMETERS)
    broken, true = repeat(root, "smoke", say=lambda _: None).chapters
    assert "01_broken" in broken.failed
    assert (broken.files, true.files, true.failed, true.different) == (0, 2, None, [])


def test_an_unknown_chapter_is_named(tmp_path):
    with pytest.raises(InputError, match="no chapter '09_x'"):
        repeat(project(tmp_path), "smoke", ["09_x"])


@pytest.mark.parametrize(
    ("name", "one", "two", "same"),
    [
        ("a.csv", b"method,seconds_set,error\na,1.0,2.0\n", b"method,seconds_set,error\na,9.0,2.0\n", True),
        ("a.csv", b"method,error\na,0.1\n", b"method,error\na,0.10000000000000001\n", False),  # bits of the file, not of the number
        ("a.csv", b"method,milliseconds,error\na,1,2\n", b"method,milliseconds,error\na,1,3\n", False),
        ("numbers.json", b'{"a": {"value": 1, "unit": "s"}}', b'{"a": {"value": 2, "unit": "s"}}', True),
        ("numbers.json", b'{"a": {"value": 1, "unit": ""}}', b'{"a": {"value": 2, "unit": ""}}', False),
    ],
)
def test_only_measured_times_are_left_out(name, one, two, same):
    assert (lasting(name, one) == lasting(name, two)) == same
