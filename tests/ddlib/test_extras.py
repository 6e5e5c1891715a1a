import pytest

from ddlib.extras import needed


def test_what_is_installed_is_imported():
    assert needed("math", "all").pi > 3


def test_what_is_missing_is_said_in_one_sentence_with_the_way_to_install_it():
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'ddlib\[data\]'") as refused:
        needed("no_such_package.inner", "data")
    assert refused.value.name == "no_such_package"


def test_a_package_that_is_broken_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import what_it_lacks\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_lacks"):
        needed("broken_package", "data")
