import hashlib

import pytest

from ddlib.datasets import DATA_FOLDER, ChecksumError, DataUnavailableError, RemoteFile, fetch

CONTENT = b"patient,visit\n1,1\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NOWHERE = "http://127.0.0.1:9/table.csv"  # the discard port: a refused connection, whether or not there is a network


def remote(url=NOWHERE, sha256=SHA256):
    return RemoteFile("table.csv", url, sha256)


@pytest.fixture
def served(tmp_path):
    """A folder served on this machine, and its address."""
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "table.csv").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_what_cannot_be_fetched_is_one_clear_sentence(tmp_path):
    with pytest.raises(DataUnavailableError) as caught:
        fetch(remote(), tmp_path / "cache")
    message = str(caught.value)
    assert all(part in message for part in ("table.csv", NOWHERE, DATA_FOLDER, "ConnectionError"))
    assert "\n" not in message and message.count(". ") == 0


def test_a_file_is_fetched_once_and_then_read_from_the_cache(tmp_path, served):
    cache = tmp_path / "cache"
    path = fetch(remote(served + "table.csv"), cache)
    assert path == cache / "table.csv" and path.read_bytes() == CONTENT
    assert fetch(remote(), cache) == path  # the address is dead, but the file is there


def test_a_fetched_file_with_other_content_is_refused_and_not_kept(tmp_path, served):
    cache = tmp_path / "cache"
    with pytest.raises(ChecksumError, match=r"another SHA-256 than .* set DDLIB_DATA_DIR"):
        fetch(remote(served + "table.csv", "0" * 64), cache)
    assert not (cache / "table.csv").exists()


def test_an_address_without_the_file_names_the_servers_answer(tmp_path, served):
    with pytest.raises(DataUnavailableError, match="status 404"):
        fetch(remote(served + "missing.csv"), tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_a_clear_sentence(tmp_path, served):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataUnavailableError, match=DATA_FOLDER):
        fetch(remote(served + "table.csv"), tmp_path / "file")
