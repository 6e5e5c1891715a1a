"""What a run reads is noted, and nothing else; what has changed since is named."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ddbook.press import inputs
from ddbook.press.inputs import INPUTS, NOT_AVAILABLE, changed, read_inputs
from ddbook.press.run import run
from ddlib import datasets
from ddlib.files import InputError
from tests import ROOT
from tests.ddbook.press.notebooks import project, write


def sha256(content):
    return hashlib.sha256(content.encode()).hexdigest()


NO_INPUTS = ("_build/kept/x/a.csv", "_build/code/x/ddbook/style.txt")


@pytest.fixture
def root(tmp_path):
    """A project with a table, a reference, and a run's folder."""
    made = project(tmp_path / "project")
    for name in (
        "data/table.csv",
        "reference/04/results/a.csv",
        "_build/kept/x/a.csv",
        "_build/code/x/ddbook/style.txt",
        "module.py",
    ):
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    (made / "_build" / "run").mkdir()
    return made


def watched(root, program, **environment):
    """What a process in the folder of the notebooks notes; of its own, because an audit hook cannot be taken away."""
    start = f"import os, pathlib, sys\nfrom ddbook.press.inputs import watch\nroot = pathlib.Path({str(root)!r})\n"
    start += "watch(root / '_build' / 'run')\n"
    subprocess.run(
        [sys.executable, "-c", start + program], cwd=root / "notebooks", env={**os.environ, **environment}, check=True, timeout=300
    )
    return read_inputs(root / "_build" / "run")


READERS = {
    "open": "open('../data/NAME').read()",
    "an absolute path": "open(root / 'data' / 'NAME', 'rb').read()",
    "bytes": "open(b'../data/NAME').read()",
    "pathlib": "(root / 'data' / 'NAME').read_text()",
    "the system's own": "os.read(os.open('../data/NAME', os.O_RDONLY), 3)",
    "reading and writing": "open('../data/NAME', 'r+').read()",
    "numpy": "import numpy as np; np.loadtxt('../data/NAME')",
    "pandas": "import pandas as pd; pd.read_csv('../data/NAME')",
    "pandas, an open file": "import pandas as pd; pd.read_csv(open('../data/NAME'))",
    "a thread": "import threading; t = threading.Thread(target=open, args=['../data/NAME']); t.start(); t.join()",
    "copying": "import shutil; shutil.copy('../data/NAME', root / 'copy.csv')",
    "SQLite": "import sqlite3; sqlite3.connect('../data/NAME')",
    "SQLite, by an address": "import sqlite3; sqlite3.connect('file:../data/NAME?mode=ro', uri=True)",
}


def test_a_file_of_the_project_is_noted_by_its_path_in_it_however_it_is_read(root):
    """In one process, a file for each reader."""
    names = {f"{i}.csv": reader for i, reader in enumerate(READERS.values())}
    for name in names:
        (root / "data" / name).write_text(f"# {name}\n")
    found = watched(root, "\n".join(reader.replace("NAME", name) for name, reader in names.items()))
    assert found == {f"data/{name}": sha256(f"# {name}\n") for name in names}


def test_what_is_no_input_is_not_noted(root, tmp_path):
    program = (
        f"names = {NO_INPUTS}"
        + """
import json, logging, matplotlib, sklearn.datasets, tempfile
import matplotlib.font_manager
sklearn.datasets.load_diabetes()
pathlib.Path('/proc/self/status').read_text()
for name in names:
    (root / name).read_text()
(root / '_build' / 'run' / 'results.csv').write_text('1')
(root / '_build' / 'run' / 'results.csv').read_text()
(root / 'made.csv').write_text('1')
(root / 'made.csv').read_text()
(root / '_build' / 'run' / 'x').write_text('1')
(root / '_build' / 'run' / 'x').replace(root / 'moved.csv')
(root / 'moved.csv').read_text()
with tempfile.TemporaryDirectory() as folder:
    (pathlib.Path(folder) / 'x').write_text('1')
    (pathlib.Path(folder) / 'x').read_text()
(root / 'absent.csv').exists()
sys.audit("ddbook.reference", str(root / 'reference/04/results/a.csv'))
(root / 'reference/04/results/a.csv').read_text()
"""
    )
    assert watched(root, program) == {}


def test_code_that_is_of_no_package_is_noted_also_when_it_is_compiled_already(root):
    """No key holds it otherwise."""
    program = "sys.path.insert(0, str(root))\nimport module"
    for _ in range(2):
        assert watched(root, program, PYTHONDONTWRITEBYTECODE="") == {"module.py": sha256("# module.py\n")}
    assert list((root / "__pycache__").iterdir())


LISTINGS = (
    "os.listdir('../data')",
    "list(os.scandir(root / 'data'))",
    "list((root / 'data').glob('*.csv'))",
    "next(os.walk('../data'))",
)


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_folder_that_is_listed_has_changed_when_another_file_is_in_it(root, listing):
    found = watched(root, listing)
    assert list(found) == ["data/"] and changed(found, root) == []
    (root / "data" / ".hidden").touch()
    (root / "data" / "table.csv").write_text("another content is not the list's matter")
    assert changed(found, root) == []
    (root / "data" / "more.csv").touch()
    assert changed(found, root) == ["data/"]
    shutil.rmtree(root / "data")
    assert changed(found, root) == ["data/"]


def test_a_link_that_leads_elsewhere_is_another_content(root):
    (root / "data" / "v2.csv").write_text("2")
    (root / "data" / "current.csv").symlink_to("table.csv")
    found = watched(root, "open('../data/current.csv')")
    assert set(found) == {"data/current.csv", "data/table.csv"} and changed(found, root) == []
    (root / "data" / "current.csv").unlink()
    (root / "data" / "current.csv").symlink_to("v2.csv")
    assert changed(found, root) == ["data/current.csv"]


def test_what_is_written_under_another_name_is_no_input_where_links_lead_to_it_either(root):
    (root / "linked").symlink_to("data")
    program = "open(root / '_build' / 'run' / 'x', 'w').close(); os.rename(root / '_build' / 'run' / 'x', '../linked/moved.csv')"
    assert watched(root, f"{program}\nopen('../linked/moved.csv')") == {}


def test_another_notebook_is_an_input(root):
    (root / "notebooks" / "common.ipynb").write_text("{}")
    assert list(watched(root, "open('common.ipynb')")) == ["notebooks/common.ipynb"]


def test_code_of_the_packages_is_an_input_where_a_cell_opens_it_itself(root):
    program = "import ddbook.kit.ranges as r, inspect, linecache\ninspect.getsource(r)\nlinecache.getlines(r.__file__)"
    assert watched(root, program) == {}
    assert list(watched(root, f"{program}\nexec(open(r.__file__).read(), {{}})")) == ["ddbook/kit/ranges.py"]


def test_the_class_of_an_object_that_comes_out_of_a_file_is_an_input(root):
    program = "import pickle\nfrom ddlib.requirement import Requirement as R\nopen('../o.pkl', 'wb').write(pickle.dumps(R))"
    watched(root, program)
    found = watched(root, "import pickle\npickle.load(open('../o.pkl', 'rb'))")
    assert set(found) == {"o.pkl", "ddlib/requirement.py"}
    assert changed(found, root) == []


def test_a_folder_that_is_looked_for_in_vain_is_noted_until_it_is_there(root):
    found = watched(root, "list((root / 'more').glob('*.csv')) if False else next(os.walk('../more'), None)")
    assert found == {"more/": NOT_AVAILABLE} and changed(found, root) == []
    (root / "more").mkdir()
    assert changed(found, root) == ["more/"]


def test_a_file_that_is_looked_for_in_vain_is_noted_until_it_is_there(root):
    program = "try:\n    open(root / 'absent.csv')\nexcept FileNotFoundError:\n    pass"
    found = watched(root, program)
    assert found == {"absent.csv": NOT_AVAILABLE} and changed(found, root) == []
    (root / "absent.csv").touch()
    assert changed(found, root) == ["absent.csv"]


def test_the_reference_is_an_input_unless_it_is_only_drawn(root):
    name = "reference/04/results/a.csv"
    assert watched(root, f"open(root / {name!r})") == {name: sha256(f"# {name}\n")}


def test_data_that_lie_beside_the_code_of_the_packages_are_inputs(root, monkeypatch):
    """In a run they are read from the set-aside copy of the code, and judged by what lies there now."""
    copy = root / "_build" / "code" / "x"
    for room in ("ddlib", "ddbook"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (copy / "ddbook" / "kit" / "table.csv").write_text("1")
    program = "import ddbook.kit\nopen(pathlib.Path(ddbook.kit.__file__).with_name('table.csv'))"
    found = watched(root, program, PYTHONPATH=str(copy))
    assert found == {"ddbook/kit/table.csv": sha256("1")}
    monkeypatch.setattr(inputs, "PACKAGES_ROOT", copy)
    assert changed(found, root) == []
    (copy / "ddbook" / "kit" / "table.csv").write_text("2")
    assert changed(found, root) == ["ddbook/kit/table.csv"]


@pytest.mark.notebook
def test_a_file_in_the_folder_for_temporary_files_is_an_input_if_somebody_else_put_it_there(root, tmp_path):
    """A run has a folder of its own for such files; it goes with the run."""
    (tmp_path / "theirs.csv").write_text("1")
    reading = f"open({str(tmp_path / 'theirs.csv')!r})"
    making = "import tempfile\nwith tempfile.NamedTemporaryFile('w', delete=False) as own: pass\nopen(own.name).read()"
    done = run(write(root / "notebooks" / "01_small.ipynb", reading, making), say=lambda line: None)
    assert done.state == "ok" and done.inputs == {str(tmp_path / "theirs.csv"): sha256("1")}


def test_the_content_is_that_of_the_first_reading(root):
    program = "path = root / 'data' / 'table.csv'; path.read_text(); path.write_text('new'); path.read_text()"
    assert watched(root, program) == {"data/table.csv": sha256("# data/table.csv\n")}


def test_files_outside_the_project_are_noted_too(root, tmp_path):
    """Those in the folder with data by its variable, so that no record depends on where that folder lies."""
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    for path in (folder, elsewhere):
        path.mkdir()
        (path / "x.csv").write_text("1")
    program = f"open({str(folder / 'x.csv')!r}); open({str(elsewhere / 'x.csv')!r})"
    nothing_temporary = str(tmp_path / "t")
    Path(nothing_temporary).mkdir()
    found = watched(root, program, DDLIB_DATA_DIR=str(folder), TMPDIR=nothing_temporary, HOME=str(elsewhere))
    assert found == {"$DDLIB_DATA_DIR/x.csv": sha256("1"), "~/x.csv": sha256("1")}


def test_a_named_table_is_noted_by_its_name_wherever_it_lies(root, tmp_path):
    """Even where nothing else counts; and a data set that is missing is."""
    path = tmp_path / "x.parquet"
    path.write_text("1")
    program = f"""
sys.audit("ddlib.datasets.read", "labs: x.parquet", {str(path)!r})
open({str(path)!r}).close()
sys.audit("ddlib.datasets.missing", "others")
"""
    assert watched(root, program) == {"labs: x.parquet": sha256("1"), "others": NOT_AVAILABLE}


def test_what_a_child_opens_does_not_disturb_the_record(root):
    program = "open('../data/table.csv')\nif os.fork() == 0:\n    open(root / 'pyproject.toml')\n    os._exit(0)\nos.wait()"
    assert list(watched(root, program)) == ["data/table.csv"]


@pytest.mark.notebook
def test_a_notebook_that_reads_a_file_is_stale_when_that_changes(root):
    cell = "import json"  # without a recorder, too
    notebook = write(root / "notebooks" / "01_small.ipynb", cell, "text = open('../data/table.csv').read()\nprint(text)")
    found = run(notebook, say=lambda line: None).inputs
    assert list(found) == ["data/table.csv"] and changed(found, root) == []
    (root / "data" / "table.csv").write_text("other")
    assert changed(found, root) == ["data/table.csv"]
    (root / "data" / "table.csv").unlink()
    assert changed(found, root) == ["data/table.csv"]


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """A data set of two tables that are nowhere, and the folder to put them in."""
    remote = datasets.RemoteFile("a.csv", "http://127.0.0.1:9/a.csv", sha256("remote"))
    one = datasets.PINNED[0]
    packaged = one.packaged._replace(package="no-such-package", sha256=sha256("packaged"))
    made = [one._replace(dataset="labs", remote=remote._replace(name=name), packaged=packaged) for name in ("a.csv", "b.csv")]
    monkeypatch.setattr(datasets, "PINNED", tuple(made))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv(datasets.DATA_FOLDER, str(tmp_path))
    return tmp_path


def test_a_run_without_its_data_is_stale_once_all_of_them_are_there(tables):
    missing = {"labs": NOT_AVAILABLE}
    assert changed(missing, tables) == []
    (tables / "a.csv").write_text("1")
    assert changed(missing, tables) == []
    (tables / "b.csv").write_text("1")
    assert changed(missing, tables) == ["labs"]


def test_a_named_table_may_come_from_another_source_or_be_gone_but_not_be_another(tables):
    """That each source holds the same table is checked when it is read."""
    read = {"labs: a.csv": sha256("mine")}
    assert changed(read, tables) == []
    for content in ("mine", "remote", "packaged"):
        (tables / "a.csv").write_text(content)
        assert changed(read, tables) == []
    (tables / "a.csv").write_text("another")
    assert changed(read, tables) == ["labs: a.csv"]


def test_the_released_files_may_be_gone_but_neither_come_nor_be_others(tables, root):
    """They are pinned; a run without them is stale once they are there."""
    program = "import contextlib\nfrom ddlib.datasets import DataUnavailableError, merge_release\n"
    program += "with contextlib.suppress(DataUnavailableError):\n    merge_release()"
    missing = watched(root, program, XDG_CACHE_HOME=str(tables / "caches"), DDLIB_DATA_DIR=str(tables))
    assert missing == {"merge_release: weight_matrix.csv": NOT_AVAILABLE} and changed(missing) == []
    read = {"merge_release: weight_matrix.csv": sha256("mine")}
    assert changed(read) == []
    path = tables / "release" / "data" / "weight_matrix.csv"
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    assert changed(read) == [] and changed(missing) == [*missing]
    path.write_text("another")
    assert changed(read) == [*read]


def test_a_run_that_was_not_watched_has_read_nothing_that_is_known(tmp_path):
    assert read_inputs(tmp_path) == {}


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a":'])
def test_a_broken_record_is_one_sentence(content, tmp_path):
    (tmp_path / INPUTS).write_text(content)
    with pytest.raises(InputError, match="run the chapter again"):
        read_inputs(tmp_path)


def test_the_folder_with_data_is_the_librarys():
    assert inputs.DATA_FOLDER == datasets.DATA_FOLDER
