import pytest

from ddbook.press.archive import archive
from ddbook.press.book import build
from ddbook.press.claims.command import claims_report, results_of
from ddbook.press.links import follow
from ddbook.press.profiles import TAKEN, chapters, check_profile_name, plan, profile_names, read_profile
from ddbook.press.reference import collect
from ddbook.press.repeat import repeat
from ddbook.press.run import run
from ddbook.press.stage import stage
from ddbook.press.sweep import plan_sweep
from ddbook.press.workflow import build_book, run_chapters, split_parameters
from ddlib.files import InputError
from tests.ddbook.press.notebooks import project, write

STEM = "01_small"
CLAIM = "- {id: one, statement: It is so., source: This book., whose: ours, untestable: Nobody has looked.}"


@pytest.fixture
def house(tmp_path):
    """A project inside a folder, so that what would be written beside it is seen."""
    (tmp_path / "house").mkdir()
    write(project(tmp_path / "house") / "notebooks" / f"{STEM}.ipynb", "x = 1")
    (tmp_path / "house" / "book").mkdir()
    (tmp_path / "house" / "book" / "claims.yml").write_text(CLAIM)
    return tmp_path / "house"


def silent(line):
    pass


ENTRANCES = {
    "run": lambda root, name: run(root / "notebooks" / f"{STEM}.ipynb", profile=name, say=silent),
    "sweep": lambda root, name: plan_sweep(root / "notebooks" / f"{STEM}.ipynb", ["seed=0,1"], name),
    "book": lambda root, name: build_book(root, name, 1),
    "runs": lambda root, name: run_chapters(root, name, 1),
    "render": lambda root, name: build(name, root),
    "stage": lambda root, name: stage(name, root),
    "claims": claims_report,
    "results": results_of,  # of a profile that another is compared with, too
    "archive": lambda root, name: archive(name, root),
    "links": lambda root, name: follow(name, root),
    "reference": collect,
    "repeat": lambda root, name: repeat(root, name, [STEM], say=silent),
    "plan": lambda root, name: plan(root / "notebooks", name),
}
STRANGE = ["../x", "..", ".", "", "a/b", "/tmp", "a b", ".hidden", "-x", "a\n", "a;b", "$HOME", "..\\x", "smoke/../../x"]


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_a_name_that_is_no_plain_file_name_is_refused_wherever_it_comes_in(house, entrance):
    before = sorted(path for path in house.parent.rglob("*") if "_build" not in path.parts)
    for name in STRANGE:
        with pytest.raises(InputError, match="cannot be the name of a profile"):
            ENTRANCES[entrance](house, name)
    assert sorted(house.parent.rglob("*")) == before


def test_names_of_other_folders_are_taken_and_plain_ones_are_free():
    for name in TAKEN:
        with pytest.raises(InputError, match="means something else"):
            check_profile_name(name)
    for name in ("smoke", "paper-2", "my_profile.v2", "2026"):
        check_profile_name(name)


def test_only_plain_files_are_chapters_and_profiles(house):
    folder = house / "notebooks"
    (folder / ".ipynb_checkpoints").mkdir()
    write(folder / ".ipynb_checkpoints" / f"{STEM}-checkpoint.ipynb")
    (folder / "02_folder.ipynb").mkdir()
    for name in (f"._{STEM}", f".{STEM}", f"{STEM}-checkpoint", f"{STEM}-Copy1", f"{STEM} (1)", "scratch", "1_short"):
        (folder / f"{name}.ipynb").write_bytes(b"\x00\x05\x16\x07")
    (folder / "profiles" / "._smoke.yml").write_bytes(b"\x00\x05\x16\x07")
    (folder / "profiles" / "smoke copy.yml").write_text("")
    assert [path.stem for path in chapters(folder)] == [STEM]
    assert profile_names(folder) == ["smoke"]
    assert list(plan(folder, "smoke")) == [STEM]
    (folder / "profiles" / "smoke.yml").write_text(f"._{STEM}: {{seed: 1}}")
    with pytest.raises(InputError, match=r"there is no notebook '\._01_small'"):
        read_profile(folder, "smoke")


def test_a_parameter_or_a_chapter_given_twice_is_refused(house):
    for words in (f"{STEM}.seed=1 {STEM}.seed=1", f"{STEM}.seed=1 02_other.seed=2 {STEM}.seed=3"):
        with pytest.raises(InputError, match=f"gives {STEM}.seed twice"):
            split_parameters(words)
    assert split_parameters("a.seed=1 b.seed=2 a.ipc=3") == {"a": {"seed": "1", "ipc": "3"}, "b": {"seed": "2"}}
    with pytest.raises(InputError, match=f"'{STEM}' is given twice"):
        repeat(house, "smoke", [STEM, STEM], say=silent)
