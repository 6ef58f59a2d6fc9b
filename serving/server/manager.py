"""The models of a folder, kept up to date: the newest version of each, loaded.

    models/NAME/NUMBER/saved_model.pb

A version is taken up when its folder appears. Calls go to it from then on; the
version before it is unloaded once the calls under way have ended, however long
that takes: other models do not wait for it.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc

from sketcher_tf.wire.messages import State

from .model import LoadedServable, StatusError

Load = Callable[[str, int, Path], LoadedServable]


@dataclass(frozen=True)
class Status:
    """The state of a version, and what went wrong with it."""

    state: State
    error: str = ""


class ModelManager:
    """The models in a folder.

    Args:
        folder: of the models.
        load: makes a servable from name, version and path.
    """

    def __init__(self, folder: Path, load: Load = LoadedServable) -> None:
        self._folder = folder
        self._load = load
        self._serving: dict[str, LoadedServable] = {}
        self._states: dict[str, dict[int, Status]] = {}
        self._stopped = threading.Event()
        self._refreshing = threading.Lock()
        self._unloading: list[threading.Thread] = []

    @contextlib.contextmanager
    def using(self, name: str, version: int | None) -> Iterator[LoadedServable]:
        """A loaded model, which stays loaded meanwhile; None is any version.

        Raises:
            StatusError: there is none.
        """
        while True:
            servable = self._find(name, version)
            if servable.acquire():  # else it has just been replaced
                break
        try:
            yield servable
        finally:
            servable.release()

    def states(self, name: str) -> Mapping[int, Status]:
        """The versions of a model that were ever seen."""
        return dict(self._states.get(name, {}))

    def refresh(self) -> None:
        """Loads what is new in the folder and unloads what has gone."""
        found = newest_versions(self._folder)
        with self._refreshing:
            for name in sorted(self._serving.keys() - found.keys()):
                self._replace(name, None)
            for name, path in sorted(found.items()):
                # What could not be loaded once is not tried again.
                known = self._states.setdefault(name, {}).get(int(path.name))
                unloaded = known == Status(State.END)
                if self._stopped.is_set():
                    return
                if known is None or unloaded:
                    self._take_up(name, path)

    def watch(self, seconds: float) -> None:
        """Refreshes every so many seconds, until `close`."""
        while not self._stopped.wait(seconds):
            try:
                self.refresh()
            except OSError as error:  # the folder is on a network, perhaps
                logging.warning("Cannot look into %s: %s", self._folder, error)

    def close(self) -> None:
        """Unloads all models, once the calls under way have ended."""
        self._stopped.set()
        with self._refreshing:  # else a version might be loaded afterwards
            for name in list(self._serving):
                self._replace(name, None)
        for thread in self._unloading:
            thread.join()

    def _find(self, name: str, version: int | None) -> LoadedServable:
        servable = self._serving.get(name)
        if servable is None or version not in (None, servable.version):
            request = (
                f"Latest({name})"
                if version is None
                else f"Specific({name}, {version})"
            )
            raise StatusError(
                grpc.StatusCode.NOT_FOUND,
                f"Servable not found for request: {request}",
            )
        return servable

    def _take_up(self, name: str, path: Path) -> None:
        version, states = int(path.name), self._states[name]
        states[version] = Status(State.LOADING)
        try:
            servable = self._load(name, version, path)
        except Exception as error:
            logging.error("Cannot load %s version %d: %s", name, version, error)
            states[version] = Status(State.END, str(error) or repr(error))
            return
        self._replace(name, servable)
        logging.info("Serving %s version %d", name, version)

    def _replace(self, name: str, new: LoadedServable | None) -> None:
        """Puts another version, or none, in the place of the present one."""
        old = self._serving.get(name)
        if new is None:
            del self._serving[name]
        else:
            self._serving[name] = new
            self._states[name][new.version] = Status(State.AVAILABLE)
        if old is not None:
            self._states[name][old.version] = Status(State.UNLOADING)
            thread = threading.Thread(
                target=self._unload, args=(old,), daemon=True
            )
            thread.start()
            alive = [one for one in self._unloading if one.is_alive()]
            self._unloading = [*alive, thread]

    def _unload(self, old: LoadedServable) -> None:
        old.drain_and_close()
        self._states[old.name][old.version] = Status(State.END)
        logging.info("Unloaded %s version %d", old.name, old.version)


def newest_versions(folder: Path) -> dict[str, Path]:
    """Model -> its version with the highest number; only numbers are versions.

    Raises:
        OSError: the folder cannot be read.
    """
    found = {}
    for model in folder.iterdir():
        if model.name.startswith(".") or not model.is_dir():
            continue
        versions = [
            path
            for path in model.iterdir()
            if path.name.isascii() and path.name.isdigit() and path.is_dir()
        ]
        if versions:
            found[model.name] = max(versions, key=lambda path: int(path.name))
    return found
