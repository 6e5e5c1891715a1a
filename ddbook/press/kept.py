"""Computations that a chapter has done before, and need not do again when only a figure or a sentence was edited.

A computation is known by its key: the function and all code of ddlib and ddbook that it reaches, its arguments by content, the
versions of packages, the processor and what else changes last digits. Its value lies under that key in ``_build/kept``, or in the
folder that ``DDLIB_KEPT`` names; ``DDLIB_KEPT=off`` computes everything and keeps nothing. joblib holds the store, because the
library stands on it already and it is safe with several processes and on network disks, where a database is not. What lies there is
unpickled: share the folder only with people whose code you would run.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import pickle
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

import cloudpickle
import joblib
import numpy as np
import torch

from ddbook.press.canonical import Canonical
from ddbook.press.disturbed import disturbs
from ddbook.press.inputs import opened, unnoted
from ddbook.press.key import code_cells
from ddbook.press.machine import processor, versions
from ddbook.press.project import project_root
from ddbook.press.record import STORE
from ddbook.press.remembered import Remembered
from ddbook.press.snapshot import PACKAGES_ROOT
from ddbook.press.state import State
from ddlib.files import InputError, write_json

LOG = "kept.json"
"""Where a run says which of its values were computed when."""
LIMIT = 5 * 10**9
"""How many bytes the store holds; what was used least recently goes first."""
ROOMS = ("ddlib", "ddbook")

P = ParamSpec("P")
R = TypeVar("R")


class Entry(NamedTuple):
    """A value as it is stored.

    Attributes:
        content: the value, pickled.
        sha256: of the content.
        computed: when, in UTC.
        seconds: how long that took.
        peak_memory_bytes: the most that the process had held by then.
    """

    content: bytes
    sha256: str
    computed: str
    seconds: float
    peak_memory_bytes: int


class Keeper:
    """Computes what was not computed before, and takes note of either.

    Every value is a copy, also when it was computed this very moment, so that a run that computes and one that does not go on with
    the same bits.

    Args:
        run: the folder of the run, which gets the notes.
        store: the folder of the store; None for none.
        canonical: the digests that make a key.
        limit: how many bytes the store may hold.
    """

    def __init__(self, run: Path, store: Path | None, canonical: Canonical, limit: int = LIMIT) -> None:
        self._log, self._canonical = run / LOG, canonical
        self._store = None if store is None else Store(store, limit)
        self._notes: list[dict[str, Any]] = []
        self._state = State(canonical.rooms, canonical.digest)

    def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``function(*args, **kwargs)``, computed now or earlier.

        Raises:
            InputError: if an argument, or the function, cannot be known by its content, or the value cannot be pickled.
        """
        name = _name(function)
        files = _files(args, kwargs)
        with unnoted():
            key = self.key(function, args, kwargs)
            entry = self._store.read(key) if self._store else None
        replayed = entry is not None
        if entry is None:
            before = len(opened())
            entry = _computed(name, key, lambda: function(*args, **kwargs))
            if read := [one for one in opened()[before:] if one not in files]:  # a replay would not look whether it has changed
                raise InputError(f"{name} reads {read[0]}: read it before, and keep what is computed from its content")
            if self._store:
                with unnoted():
                    self._store.write(key, entry)
        about = {field: getattr(entry, field) for field in ("computed", "seconds", "peak_memory_bytes")}
        self._notes.append({"function": name, "key": key, **about, "replayed": replayed})
        write_json(self._log, self._notes)
        with unnoted():  # the code of what is in it is in the key
            return cast(R, pickle.loads(entry.content))

    def key(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """What a computation is known by."""
        if isinstance(function, type):
            raise InputError(f"{_name(function)} is a class: keep what a function returns")
        name, digest = _name(function), self._canonical.digest
        called = digest(function, name)
        given = [digest(value, f"argument {i} of {name}") for i, value in enumerate(args, 1)]
        named = {key: digest(kwargs[key], f"{name}'s argument {key}") for key in sorted(kwargs)}
        return digest([called, given, named, self._state.changed(), _surroundings()], "the key")


class Store:
    """Entries by key, in a folder that many processes may use at once.

    Args:
        folder: where.
        limit: how many bytes it may hold.

    Raises:
        InputError: if the folder cannot be written to.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        try:
            self._memory = joblib.Memory(folder, verbose=0)
        except OSError as error:
            raise InputError(f"{folder} cannot be written to ({error.strerror}): name another folder in {STORE}, or off") from None
        self._entry, self._limit = self._memory.cache(entry, ignore=["computed"]), limit

    def read(self, key: str) -> Entry | None:
        """The entry of a key; None if there is none, or none that is whole."""
        try:
            shelved = self._entry.call_and_shelve(key, None)
            known = Entry(*shelved.get())
            pickle.loads(known.content)
            whole = hashlib.sha256(known.content).hexdigest() == known.sha256
            os.utime(Path(shelved.store_backend.location, shelved.func_id, shelved.args_id, "output.pkl"))  # used just now
        except Exception:  # whatever is wrong with a file, computing again mends it
            return None
        return known if whole else None

    def write(self, key: str, computed: Entry) -> None:
        """Put an entry in, and the least recently used ones out where there is no room."""
        self._entry.call(key, tuple(computed))
        self._memory.reduce_size(bytes_limit=self._limit)


def entry(key: str, computed: tuple[Any, ...] | None) -> tuple[Any, ...]:
    """What joblib stores; where a stored value is asked for and there is none, nothing is stored either."""
    if computed is None:
        raise KeyError(key)
    return computed


def keeper(run: Path) -> Keeper:
    """The keeper of a run: ``DDLIB_KEPT`` says where its store is; a notebook that changes what it has loaded of us has none."""
    given = os.environ.get(STORE, "")
    changed = any(disturbs(code_cells(path)) for path in run.glob("source/*.ipynb"))
    store = None if given == "off" or changed else Path(given) if given else project_root() / "_build" / "kept"
    with unnoted():
        return Keeper(run, store, Canonical(Remembered(PACKAGES_ROOT, project_root()).reached_by, ROOMS))


def _files(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Files among the arguments, as inputs are called: the key holds their content, and here the run notes that it does."""
    before = len(opened())
    for value in (*args, *kwargs.values()):
        if isinstance(value, Path) and value.is_file():
            value.open("rb").close()
    return opened()[before:]


def _name(function: Any) -> str:
    known = getattr(function, "__func__", function)
    return f"{getattr(known, '__module__', '')}.{getattr(known, '__qualname__', type(function).__qualname__)}"


def _computed(name: str, key: str, compute: Callable[[], Any]) -> Entry:
    began = time.perf_counter()
    with _random_numbers_of(key):
        value = compute()
    seconds = time.perf_counter() - began
    try:
        content = cloudpickle.dumps(value)  # as pickle, and functions that functions have made
    except Exception as error:
        raise InputError(f"what {name} returns cannot be kept ({error}): return tensors, frames and objects of such") from error
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Entry(content, hashlib.sha256(content).hexdigest(), now, round(seconds, 3), peak)


@contextlib.contextmanager
def _random_numbers_of(key: str) -> Iterator[None]:
    """Global random numbers that follow from a key, and afterwards those of before.

    Packages draw from them as they are imported, or seed them. So nothing that is computed depends on what was computed before it,
    nor what comes after it on whether it was.
    """
    seed, before = int(key[:8], 16), (np.random.get_state(), random.getstate())  # noqa: NPY002
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=gpus):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the global numbers are what is meant
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before[0])  # noqa: NPY002
            random.setstate(before[1])


def _surroundings() -> dict[str, Any]:
    """What else changes a result, be it in the last digit."""
    return {
        "versions": versions(),
        "processor": processor(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
    }
