"""Files that are whole at any moment, and work that only one process does."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast


def to_path(name: str | Path) -> Path:
    """A path on this machine; or in an object store, if `name` is a URL.

    `s3://`, `gs://`, `hdfs://` and all else that fsspec knows, by packages of
    its own (s3fs, gcsfs, ...), which take keys and hosts from the environment.

    Raises:
        ModuleNotFoundError: a package is missing.
    """
    if not is_remote(name):
        return Path(name)
    try:
        from upath import UPath

        path = UPath(name)
        path.exists()
    except ImportError as error:
        raise ModuleNotFoundError(
            "files in an object store need the package universal-pathlib and "
            f"that of the store; received {name} without one: {error}. Run "
            "`pip install 'sketcher-tf[storage]'`."
        ) from error
    return cast(Path, path)  # it has the methods, but is none


def is_remote(name: str | Path) -> bool:
    """Whether a path is in an object store."""
    return "://" in str(name)


def exists(path: Path) -> bool:
    """Whether there is a file or folder of this path.

    Not if it is too long to be one, as the names of many files together are.
    """
    try:
        return path.exists()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise


def identity_of(path: Path) -> str:
    """Changes with a file's content, as far as its time and size tell."""
    if is_remote(path):
        return cast(Any, path).fs.ukey(cast(Any, path).path)
    stat = path.stat()
    return repr((path.resolve(), stat.st_size, stat.st_mtime_ns))


def project_folder(name: str) -> Path:
    """A folder of the project: in the package, or beside it in a clone."""
    package = Path(__file__).parent
    installed = package / name
    return installed if installed.is_dir() else package.parent / name


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write` with a path beside `path`, then renames it to `path`.

    Whoever looks at `path`, also after a crash, sees the old or the new file,
    never a half. What a failed `write` has left is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".building-{path.name}")
    try:
        write(building)
        with open(building, "rb") as file:
            os.fsync(file.fileno())
        os.replace(building, path)
    finally:
        building.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Writes `data` so that `path` is whole at any moment."""
    write_atomically(path, lambda file: file.write_bytes(data))


@contextlib.contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Holds the lock file `path`; however the process ends, it is free again.

    Args:
        path: made if it is missing, and left behind.
        wait: until another process is done with it.

    Raises:
        BlockingIOError: another process holds it, and `wait` is off.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
