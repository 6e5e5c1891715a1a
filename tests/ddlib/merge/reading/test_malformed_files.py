"""Whatever file of whatever format it is given, the command writes a whole result, or one sentence and nothing else."""

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hypothesis import event, given
from hypothesis import strategies as st

from ddlib.files import InputError
from ddlib.merge.files import merge_files
from ddlib.merge.reading.options import ReadingOptions
from tests.ddlib.merge.damaged_tables import ANY, damaged, often
from tests.ddlib.merge.hospital_tables import hospitals
from tests.ddlib.merge.reading.exports import WRITERS

KINDS = st.sampled_from(sorted(WRITERS))
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "decimal": st.sampled_from([".", ","]),
        "na": st.sampled_from([("7",), ()]),
        "long": st.just(("a", "b")),
        "source_column": st.just("c"),
        "units": st.sampled_from([{"a": 2}, {"q": 2}]),
        "limits": st.sampled_from(["half", "limit"]),
    },
).map(lambda given: ReadingOptions(**given))


def check(folder, paths, options):
    before = {path.name for path in folder.iterdir()}
    try:
        merge_files(paths, "patient", "visit", folder / "out.csv", rows=4, iterations=2, reading=options)
    except InputError as error:
        event("refused")
        assert str(error) and "\n" not in str(error) and len(str(error)) < 700
        assert {path.name for path in folder.iterdir()} == before
    else:
        event("merged")
        assert {path.name for path in folder.iterdir()} == before | {"out.csv", "out.report.json", "out.report.html"}
        table, report = pd.read_csv(folder / "out.csv"), json.loads((folder / "out.report.json").read_text())
        assert len(table) == 4 * report["visits"]["number"] and np.isfinite(table.select_dtypes("number").to_numpy()).all()
        assert len(report["reading"]["notes"]) == len(paths)


def written(folder, tables, kinds):
    """The files of some tables; None if a format has no place for what they hold."""
    paths = []
    for (name, frame), kind in zip(tables.items(), kinds, strict=False):
        ending, write = WRITERS[kind]
        paths.append(folder / f"{name.replace(' ', '')}{ending}")
        try:
            with warnings.catch_warnings(action="ignore"):
                write(frame, paths[-1])
        except Exception as error:  # whatever the writers say
            event(f"{kind} cannot hold it: {type(error).__name__}")
            return None
    return paths


@often(260)
@given(
    st.one_of(damaged(), st.lists(ANY, min_size=2, max_size=3).map(lambda tables: dict(zip("abc", tables, strict=False)))),
    st.lists(KINDS, min_size=4, max_size=4),
    st.one_of(st.just(ReadingOptions()), OPTIONS),
)
def test_damaged_tables_in_every_format(tables, kinds, options):
    with TemporaryDirectory() as name:
        paths = written(Path(name), tables, kinds)
        if paths is not None:
            check(Path(name), paths, options)


@often(160)
@given(
    KINDS, st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0, 9, 34, 44, 46, 60, 128, 255])), max_size=3), st.floats(0.2, 2)
)
def test_torn_files_of_every_format(kind, bytes_, share):
    """Some bytes replaced, the end cut off."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        tables = {key: frame.round(2) for key, frame in hospitals(patients=8).items()}
        paths = written(folder, tables, [kind] * 3)
        content = bytearray(paths[0].read_bytes())
        for place, value in bytes_:
            content[int(place * (len(content) - 1))] = value
        paths[0].write_bytes(content[: max(1, int(share * len(content)))] if share < 0.9 else content)
        check(folder, paths, ReadingOptions())
