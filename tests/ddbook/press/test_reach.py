"""What an edit reaches: exactly those pieces of code change their digest that can execute what was edited."""

import ast

import pytest

from ddbook.press.reach import Code, plain
from ddlib.files import InputError

STUDY = {
    "lib/__init__.py": "",
    "lib/one.py": """
LIMIT = 1
def one():
    return LIMIT
def other():
    return 0
class Thing:
    def size(self):
        return other()
""",
    "lib/two.py": """
from lib.one import one, other as zero
def two():
    return one() + 1
def none():
    return zero()
""",
}


def study(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def keys(root, cells):
    """The reach of each cell, with code that knows of nothing yet."""
    return {name: Code(root, ("lib",)).reached_by_cells([cell]) for name, cell in cells.items()}


def changed_by(root, files, cells, path, old, new):
    """The cells whose reach an edit changes."""
    study(root, files)
    before = keys(root, cells)
    text = files[path]
    assert text.count(old) == 1
    (root / path).write_text(text.replace(old, new))
    after = keys(root, cells)
    return {name for name in cells if before[name] != after[name]}


CELLS = {
    "one": "from lib.one import one\none()",
    "other": "import lib.one as l\nl.other()",
    "thing": "import lib.one\nlib.one.Thing",
    "two": "from lib import two\ntwo.two()",
    "none": "from lib.two import none as n\nn()",
    "unused": "from lib.two import two, none",
}


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("lib/one.py", "LIMIT = 1", "LIMIT = 2", {"one", "two"}),
        ("lib/one.py", "return LIMIT", "return 3", {"one", "two"}),
        ("lib/one.py", "return 0", "return 3", {"other", "thing", "none"}),
        ("lib/one.py", "class Thing", "class Thing(int)", {"thing"}),
        ("lib/two.py", "+ 1", "+ 2", {"two"}),
        ("lib/two.py", "import one, other as zero", "import other as one, one as zero", {"two", "none"}),
        ("lib/two.py", "zero()", "zero(), 1", {"none"}),
        ("lib/one.py", "def other", "NEW = 1\n\ndef other", set()),
    ],
)
def test_an_edit_reaches_who_mentions_it_by_any_kind_of_import(tmp_path, path, old, new, expected):
    assert changed_by(tmp_path, STUDY, CELLS, path, old, new) == expected


FACES = {
    "lib/__init__.py": """
import importlib
from typing import TYPE_CHECKING
from lib.inner import deep as renamed
from . import inner
if TYPE_CHECKING:
    from lib.unseen import Unseen
def __getattr__(name):
    return getattr(importlib.import_module("lib.lazy"), name)
""",
    "lib/lazy.py": "def late():\n    return 'late'\n\ndef later():\n    return 'later'\n",
    "lib/inner/__init__.py": "from .deep import deep, deeper\nfrom ..stars import *\n",
    "lib/inner/deep.py": """
def deep():
    return 'deep'
def deeper():
    from .deepest import deepest
    return deepest()
""",
    "lib/inner/deepest.py": "def deepest():\n    return 'deepest'\n",
    "lib/stars.py": "__all__ = ['star']\ndef star():\n    return 'bright'\n\ndef dark():\n    return 'dark'\n",
    "lib/whole.py": "def ask(name):\n    from lib import lazy\n    return getattr(lazy, name)\n",
    "lib/named.py": "import importlib\n\ndef load():\n    return importlib.import_module('.lazy', 'lib')\n",
    "lib/circle.py": "from lib.round import run\ndef walk():\n    return run\n",
    "lib/round.py": "from lib.circle import walk\ndef run():\n    return walk, 'run'\n",
}
FACE_CELLS = {
    "face": "from lib import renamed\nrenamed()",
    "deep": "from lib.inner import deep\ndeep()",
    "deeper": "import lib.inner\nlib.inner.deeper()",
    "late": "from lib import late\nlate()",
    "star": "from lib.inner import *\nstar()",
    "chain": "import lib\nlib.inner.star()",
    "whole": "from lib.whole import ask\nask('late')",
    "named": "from lib.named import load\nload()",
    "circle": "from lib.circle import walk\nwalk()",
}


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("lib/inner/deep.py", "'deep'", "1", {"face", "deep"}),
        ("lib/inner/deepest.py", "'deepest'", "1", {"deeper"}),
        ("lib/lazy.py", "'late'", "1", {"late", "whole", "named"}),
        ("lib/lazy.py", "'later'", "1", {"whole", "named"}),
        ("lib/stars.py", "'bright'", "1", {"star", "chain"}),
        ("lib/stars.py", "'dark'", "1", set()),
        ("lib/round.py", "'run'", "1", {"circle"}),
        ("lib/__init__.py", "from lib.unseen import Unseen", "import lib.missing", set()),
        ("lib/__init__.py", "import deep as renamed", "import deeper as renamed", {"face"}),
        ("lib/inner/__init__.py", "import deep, deeper", "import deeper, deep", set()),
        ("lib/inner/__init__.py", "import deep, deeper", "import deep as deeper, deeper as deep", {"face", "deep", "deeper"}),
    ],
)
def test_an_edit_reaches_through_faces_of_packages(tmp_path, path, old, new, expected):
    assert changed_by(tmp_path, FACES, FACE_CELLS, path, old, new) == expected


SIDES = {
    "lib/__init__.py": "from lib import outward\n",
    "lib/outward.py": """
import torch
THREADS = 1
def unrelated():
    return 0
class Empty(Exception):
    'Words.'
torch.set_num_threads(THREADS)
""",
    "lib/table.py": """
import functools
TABLE = {}
KINDS = []

@functools.singledispatch
def dispatch(value):
    return 'any'

def register(thing):
    TABLE[thing.__name__] = thing
    return thing

class Registry:
    def __init_subclass__(cls):
        KINDS.append(cls)

def kinds():
    return KINDS

def show():
    return TABLE['entered']

def alone():
    return 0
""",
    "lib/entries.py": """
from lib import table
from lib.table import TABLE, Registry, dispatch, register

@register
def entered():
    return 'entered'

@dispatch.register
def for_int(value: int):
    return 'int'

for given in ['looped']:
    TABLE[given] = lambda: 'looped'

class Kind(Registry):
    word = 'kind'

def help_out():
    return 'patched'

table.alone = help_out

def nobody():
    return 'nobody'
""",
    "lib/loud.py": "import torch\n\ndef settle():\n    torch.manual_seed(0)\n\nsettle()\n",
    "lib/lambda_.py": "import torch\n\n(lambda: torch.set_num_threads(7))()\n",
    "lib/main.py": "def work():\n    import lib.loud\n",
}
SIDE_CELLS = {
    "none": "import lib",
    "show": "import lib.entries\nfrom lib.table import show\nshow()",
    "unloaded": "from lib.table import show, dispatch\nshow()\ndispatch(1)",
    "dispatch": "import lib.entries, lib.table\nlib.table.dispatch(1)",
    "kinds": "import lib.entries\nfrom lib.table import kinds\nkinds()",
    "alone": "import lib.entries\nfrom lib.table import alone\nalone()",
    "loud": "import lib.loud",
    "late": "from lib.main import work\nwork()",
    "lambda": "import lib.lambda_",
}
ALL = set(SIDE_CELLS)


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("lib/outward.py", "THREADS = 1", "THREADS = 2", ALL),
        ("lib/outward.py", "torch.set_num_threads", "torch.set_num_interop_threads", ALL),
        ("lib/outward.py", "return 0", "return 1", set()),
        ("lib/outward.py", "Exception", "ValueError", set()),
        ("lib/entries.py", "'entered'", "1", {"show"}),
        ("lib/entries.py", "lambda: 'looped'", "lambda: 1", {"show"}),
        ("lib/entries.py", "'int'", "1", {"dispatch"}),
        ("lib/entries.py", "'kind'", "1", {"kinds"}),
        ("lib/entries.py", "'patched'", "1", {"alone"}),
        ("lib/entries.py", "'nobody'", "1", set()),
        ("lib/lambda_.py", "7", "8", {"lambda"}),
        ("lib/loud.py", "manual_seed(0)", "manual_seed(1)", {"loud", "late"}),
    ],
)
def test_what_loading_does_reaches_whom_it_concerns(tmp_path, path, old, new, expected):
    assert changed_by(tmp_path, SIDES, SIDE_CELLS, path, old, new) == expected


def test_the_order_of_registrations_counts_and_that_of_definitions_does_not(tmp_path):
    lines = ["TABLE = {}", "TABLE['a'] = 1", "TABLE['b'] = 2", "def use():\n    return TABLE, help()", "def help():\n    return 0"]
    cells = {"use": "from lib.m import use\nuse()"}

    def key(order):
        study(tmp_path, {"lib/m.py": "\n".join(lines[i] for i in order)})
        return keys(tmp_path, cells)

    assert key([0, 1, 2, 3, 4]) == key([0, 1, 2, 4, 3]) == key([4, 3, 0, 1, 2])
    assert key([0, 1, 2, 3, 4]) != key([0, 2, 1, 3, 4])


@pytest.mark.parametrize(
    "lines",
    [
        ["DEFAULTS = {'a': 1}", "DEFAULTS['a'] = 2", "FACTORS = dict(DEFAULTS)", "def use():\n    return DEFAULTS, FACTORS"],
        [
            "import random",
            "random.seed(0)",
            "FIRST = random.random()",
            "SECOND = random.random()",
            "def use():\n    return FIRST, SECOND",
        ],
        ["class S: pass", "S.rate = 2", "RATE = 10 * S.rate", "def use():\n    return S, RATE"],
    ],
)
def test_the_order_of_what_is_computed_on_loading_counts(tmp_path, lines):
    cells = {"use": "from lib.m import use\nuse()"}
    study(tmp_path, {"lib/m.py": "\n".join(lines)})
    before = keys(tmp_path, cells)
    study(tmp_path, {"lib/m.py": "\n".join([*lines[:-3], lines[-2], lines[-3], lines[-1]])})
    assert keys(tmp_path, cells) != before


SAME = [
    "def f(x):\n    'Other words.'\n    return (x\n        + 1)  # why\n\n\n\nclass C:\n    'Words.'\n",
    "'''About it.'''\ndef f( x ):\n    return x+1\nclass C: ...\n",
    """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import torch
def f(x):
    return x + 1
class C:
    'One.'
    'Two.'
""",
]


@pytest.mark.parametrize("text", SAME)
def test_words_and_layout_change_nothing(tmp_path, text):
    cells = {"f": "from lib.m import f, C\nf(C)"}
    first = keys(study(tmp_path, {"lib/m.py": "def f(x):\n    return x + 1\n\nclass C:\n    ...\n"}), cells)
    assert keys(study(tmp_path, {"lib/m.py": text}), cells) == first != keys(study(tmp_path, {"lib/m.py": "f = C = 1"}), cells)


LOCAL = {
    "lib/a.py": "def a():\n    return 1\n",
    "lib/m.py": """
from lib import a
LIMIT = 1
def argument(a): return a.a
def stored():
    a = 1
    return a
def listed(rows): return [a for a in rows]
def inner():
    def deep(): return a.a
    return deep
def own(): return [a for a in a.a()]
class K:
    a = 1
    def method(self): return a.a
def sets():
    global LIMIT
    LIMIT = 2
def asks(table): return table.query("x < @LIMIT")
""",
}
NAMES = {
    name: f"from lib.m import {name}\n{name}" for name in ("argument", "stored", "listed", "inner", "own", "K", "sets", "asks")
}


def test_a_local_name_is_not_that_of_the_module(tmp_path):
    assert changed_by(tmp_path, LOCAL, NAMES, "lib/a.py", "return 1", "return 2") == {"inner", "own", "K"}
    assert changed_by(tmp_path, LOCAL, NAMES, "lib/m.py", "LIMIT = 1", "LIMIT = 3") == {"sets", "asks"}


CONDITIONAL = {
    "lib/m.py": """
try:
    from lib.fast import go
except ImportError:
    def go(): return 'slow'
if go:
    WORD = 'w'
LEFT, (RIGHT, *REST) = 1, (2, 3)
TABLE = {}
TABLE['x'] = 'item'
def use(): return TABLE
use.note = 'note'
""",
    "lib/fast.py": "def go(): return 'fast'\n",
}
BOUND = {name: f"import lib.m\nlib.m.{name}" for name in ("go", "WORD", "LEFT", "REST", "TABLE", "use")}


@pytest.mark.parametrize(
    ("path", "old", "expected"),
    [
        ("lib/fast.py", "'fast'", {"go", "WORD"}),
        ("lib/m.py", "'slow'", {"go", "WORD"}),
        ("lib/m.py", "'w'", {"WORD"}),
        ("lib/m.py", "(2, 3)", {"LEFT", "REST"}),
        ("lib/m.py", "'item'", {"TABLE", "use"}),
        ("lib/m.py", "'note'", {"use"}),
    ],
)
def test_a_statement_is_one_piece_whatever_it_binds(tmp_path, path, old, expected):
    assert changed_by(tmp_path, CONDITIONAL, BOUND, path, old, "(0, 0)") == expected


def test_a_name_reaches_as_its_cell_does_and_a_method_stands_for_its_class(tmp_path):
    code = Code(study(tmp_path, STUDY), ("lib",))
    assert code.reached_by("lib.one", "one") == code.reached_by_cells([CELLS["one"]])
    assert code.reached_by("lib.one", "Thing.size") == code.reached_by("lib.one", "Thing")
    assert set(code.reached_by("lib.two", "two")) == {"lib/one.py", "lib/two.py"}
    for module, name in (("lib.one", "nothing"), ("lib.three", "one"), ("torch", "nn")):
        with pytest.raises(InputError, match=name):
            code.reached_by(module, name)


LOOKED_UP = {
    "the table of modules": "import sys, lib.one\nsys.modules['lib.one'].one()",
    "that table by its name": "from sys import modules\nimport lib.one\nmodules['lib.one'].one()",
    "a computed name": "import importlib\nimportlib.import_module('lib.' + 'one').one()",
    "another computed name": "name = 'lib.one'\n__import__(name)",
    "a module's table": "import lib.one as l\nl.__dict__['one']()",
    "a module's variables": "import lib.one as l\nvars(l)['one']()",
    "an attribute": "import lib.one as l\ngetattr(l, 'o' + 'ne')()",
    "text": "exec('from lib.one import one; one()')",
    "an expression": "import lib.one\neval('lib.one.one()')",
    "names of the notebook": "import lib.one as l\nglobals()['l'].one()",
    "a loader by another name": "from importlib import import_module as load\nname = 'lib.one'\nload(name).one()",
    "a resolved name": "import pkgutil\npkgutil.resolve_name('lib.one:one')()",
    "heirs": "import lib.one\nobject.__subclasses__()",
}


@pytest.mark.parametrize("how", LOOKED_UP)
def test_what_is_looked_up_by_a_computed_name_is_reached(tmp_path, how):
    assert changed_by(tmp_path, STUDY, {how: LOOKED_UP[how]}, "lib/one.py", "return LIMIT", "return 3") == {how}


def test_magics_reach_what_they_execute(tmp_path):
    code = Code(study(tmp_path, STUDY), ("lib",))
    expected = code.reached_by_cells(["from lib.one import one\none()"])
    assert code.reached_by_cells(["from lib.one import one", "%matplotlib inline\n!ls\n%timeit -n 1 one()"]) == expected
    assert code.reached_by_cells(["%%time\nfrom lib.one import one\none()"]) == expected
    assert code.reached_by_cells(["from lib.one import one", "one?"]) == expected


def test_what_is_not_python_is_named_with_its_line(tmp_path):
    code = Code(study(tmp_path, STUDY | {"lib/bad.py": "x = 1\ndef f(:\n"}), ("lib",))
    assert code.reached_by_cells(["import lib.one"]) == {}
    with pytest.raises(InputError, match=r"bad\.py.*line 2"):
        code.reached_by_cells(["import lib.bad"])
    with pytest.raises(InputError, match="line 2"):
        code.reached_by_cells(["x = 1\nx = = 2"])
    (tmp_path / "lib" / "odd.py").write_bytes(b"\xff\x00")
    with pytest.raises(InputError, match=r"odd\.py"):
        code.reached_by_cells(["import lib.odd"])


def test_hidden_files_are_never_looked_at(tmp_path):
    study(tmp_path, STUDY)
    before = keys(tmp_path, CELLS)
    for path in ("lib/._one.py", "lib/.ipynb_checkpoints/one.py", "lib/__pycache__/one.py", "lib/.hidden/__init__.py"):
        study(tmp_path, {path: "def f(:"})
    assert keys(tmp_path, CELLS) == before


def test_long_chains_and_circles_end(tmp_path):
    """Deeper than Python's own stack."""
    lines = [f"def f{i}():\n    return f{(i + 1) % 3000}()" for i in range(3000)]
    code = Code(study(tmp_path, {"lib/m.py": "\n".join(lines)}), ("lib",))
    assert code.reached_by("lib.m", "f5") == code.reached_by("lib.m", "f2999")


@pytest.mark.parametrize(
    ("source", "other", "same"),
    [
        ("x = 1  # one", "x=1", True),
        ("def f():\n    'words'\n    return 1", "def f():\n  return 1", True),
        ("f(x)", "f(x);", False),
        ("f(x);", "f( x ) ;  # quiet", True),
        ("x = 1;", "x = 1", True),
        ("'shown'", "'shown too'", False),
        ("'not shown'\nx = 1", "x = 1", True),
        ("%time f(x)", "%time f(y)", False),
        ("", "# nothing", True),
    ],
)
def test_what_a_key_sees_of_a_cell(source, other, same):
    assert (plain(source) == plain(other)) is same


def test_plain_code_is_code():
    assert ast.parse(plain("for x in y:\n    'words'\ntry:\n    'a'\nfinally:\n    'b'\nclass A:\n    'c'"))
