"""Downloads Quick, Draw! as Google's Sketch-RNN npz files.

A file that is cut off is resumed, also by a later run: what has come stays in
`<name>.part`, and `<name>.etag` beside it says of which version it is.
"""

import difflib
import functools
import http.client
import importlib.resources
import logging
import os
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID

from sketcher_tf.data.formats.reading import split_sources
from sketcher_tf.files import locked

BASE_URL = "https://storage.googleapis.com/quickdraw_dataset/sketchrnn"
ATTRIBUTION = "The Quick, Draw! Dataset, Google, CC BY 4.0"
PREFIX = "quickdraw:"

_ATTEMPTS = 5
_BACKOFF_S = 0.5  # doubled from attempt to attempt
_TIMEOUT_S = 30.0  # of silence
_CHUNK_BYTES = 1 << 18

# Worth another attempt: the network, or a server that is busy.
_CONNECTION_ERRORS = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)
_BUSY = (408, 416, 429, 500, 502, 503, 504)

# (bytes at hand, bytes of the whole file or None)
Advance = Callable[[int, int | None], None]


class DownloadError(OSError):
    """A file could not be downloaded; the message says what to do."""


def cache_dir() -> Path:
    """Where downloads are kept: `~/.cache/sketcher_tf/quickdraw`."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "sketcher_tf" / "quickdraw"


@functools.cache
def official_categories() -> tuple[str, ...]:
    """The 345 categories of Quick, Draw!."""
    folder = importlib.resources.files("sketcher_tf.data")
    text = folder.joinpath("quickdraw_categories.txt").read_text("utf-8")
    return tuple(text.splitlines())


def check_categories(names: Sequence[str]) -> list[str]:
    """The official spelling of `names`, each once; `all` is all of them.

    Raises:
        ValueError: there are none, or one is unknown.
    """
    if list(names) == ["all"]:
        return list(official_categories())
    official = {name.casefold(): name for name in official_categories()}
    if not names:
        raise ValueError(
            "quickdraw: must be followed by categories or by all; received "
            "none. Write for example quickdraw:cat,crab."
        )
    for name in names:
        if name.casefold() not in official:
            raise ValueError(
                "a category must be one of the 345 of Quick, Draw!; received "
                f"{name!r}. {_suggestion(name.casefold(), official)}"
            )
    return list(dict.fromkeys(official[name.casefold()] for name in names))


def resolve_data(
    spec: str, cache: Path | None = None, *, base_url: str = BASE_URL
) -> list[str]:
    """The sources that the text of `--data` stands for.

    Args:
        spec: `quickdraw:cat,crab` or `quickdraw:all`, which is downloaded;
            else files, globs and folders, separated by commas.
        cache: the folder for downloads; None is `cache_dir()`.
        base_url: where the files are.

    Returns:
        Sources for `read_drawings`.

    Raises:
        ValueError: an unknown category, or no source.
        DownloadError: a file could not be downloaded.
    """
    if not spec.startswith(PREFIX):
        return split_sources(spec)
    names = [name.strip() for name in spec.removeprefix(PREFIX).split(",")]
    paths = download_quickdraw(
        [name for name in names if name], cache, base_url=base_url
    )
    return [str(path) for path in paths]


def download_quickdraw(
    categories: Sequence[str],
    cache: Path | None = None,
    *,
    base_url: str = BASE_URL,
    progress: Progress | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """Downloads the npz of each category, unless it is there already.

    Args:
        categories: names, or `["all"]`.
        cache: the folder to keep the files in; None is `cache_dir()`.
        base_url: where the files are, as `<base_url>/<category>.npz`.
        progress: shows one bar per file; None makes one for the terminal.
        sleep: waits between attempts, in seconds.

    Returns:
        The files, in the order of `categories`.

    Raises:
        ValueError: an unknown category.
        DownloadError: no connection, no such file, or not an npz.
    """
    names = check_categories(categories)
    folder = cache or cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ATTRIBUTION.txt").write_text(f"{ATTRIBUTION}\n", "utf-8")
    logging.getLogger(__name__).info("%s, in %s", ATTRIBUTION, folder)
    targets = [folder / f"{name}.npz" for name in names]
    # Workers that begin together want the same files.
    with locked(folder.with_name(f".{folder.name}.lock")):
        missing = [target for target in targets if not target.exists()]
        with progress or Progress(console=Console(stderr=True)) as bars:
            for target in missing:
                url = f"{base_url}/{urllib.parse.quote(target.name)}"
                task = bars.add_task(target.stem, total=None)
                _download(url, target, _bar(bars, task), sleep)
    return targets


def _bar(bars: Progress, task: TaskID) -> Advance:
    def advance(received: int, total: int | None) -> None:
        bars.update(task, completed=received, total=total)

    return advance


def _suggestion(name: str, official: dict[str, str]) -> str:
    close = difflib.get_close_matches(name, official, cutoff=0.5)
    if not close:
        return "See quickdraw_categories.txt for all of them."
    return f"Did you mean {' or '.join(official[match] for match in close)}?"


def _download(
    url: str, target: Path, advance: Advance, sleep: Callable[[float], None]
) -> None:
    """Brings `url` to `target`, which appears only when it is complete."""
    part = target.with_name(f"{target.name}.part")
    for attempt in range(_ATTEMPTS):
        try:
            _transfer(url, part, advance)
            break
        except _CONNECTION_ERRORS as error:
            if attempt + 1 == _ATTEMPTS or not _is_passing(error):
                raise DownloadError(_advice(url, target, error)) from error
            sleep(_BACKOFF_S * 2**attempt)
    if not zipfile.is_zipfile(part):
        _discard(part)
        raise DownloadError(
            f"{url} must be an npz file; received something else, perhaps the "
            "login page of a network. Log in, then try again."
        )
    os.replace(part, target)
    _discard(part)


def _transfer(url: str, part: Path, advance: Advance) -> None:
    """One attempt; continues `part` if it is of the version on the server.

    Raises:
        ConnectionError: the body ended early or does not continue `part`.
    """
    request = urllib.request.Request(url, headers=_range_headers(part))
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            start, total = _extent(response)
            version = response.headers.get("ETag")
            if start and (start, version) != _at_hand(part):
                _discard(part)
                raise ConnectionError("the answer does not continue the file")
            if not start:
                _note_version(part, version)
            received = _copy(response, part, start, total, advance)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the file on the server is shorter by now
            _discard(part)
        raise
    if total is not None and received != total:
        raise ConnectionError(f"{received} of {total} bytes received")


def _copy(
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    total: int | None,
    advance: Advance,
) -> int:
    received = start
    with part.open("ab") as file:
        while chunk := response.read(_CHUNK_BYTES):
            file.write(chunk)
            received += len(chunk)
            advance(received, total)
    return received


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Where the body starts in the file, and how long the file is."""
    if response.status == 206:
        text = response.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", text)
        if match is None:
            raise ConnectionError(f"Content-Range is {text!r}")
        return int(match[1]), int(match[2])
    length = response.headers.get("Content-Length")
    return 0, None if length is None else int(length)


def _range_headers(part: Path) -> dict[str, str]:
    """Asks for the rest of `part`, or for all if it has changed meanwhile."""
    size, version = _at_hand(part)
    if not version:
        return {}
    return {"Range": f"bytes={size}-", "If-Range": version}


def _at_hand(part: Path) -> tuple[int, str | None]:
    """How many bytes have come, and of which version of the file."""
    try:
        version = _version_file(part).read_text("utf-8")
        return part.stat().st_size, version
    except FileNotFoundError:
        return 0, None


def _note_version(part: Path, etag: str | None) -> None:
    _discard(part)
    if etag and not etag.startswith("W/"):  # a weak tag cannot join parts
        _version_file(part).write_text(etag, "utf-8")


def _version_file(part: Path) -> Path:
    return part.with_suffix(".etag")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _version_file(part).unlink(missing_ok=True)


def _is_passing(error: Exception) -> bool:
    return not isinstance(error, urllib.error.HTTPError) or error.code in _BUSY


def _advice(url: str, target: Path, error: Exception) -> str:
    return (
        f"{url} must be reachable; received {error}. Check the connection and "
        "run again, which goes on where this stopped; or download the file by "
        f"hand to {target}; or give other drawings with --data=<files>; or "
        "leave --data out to use the built-in doodles."
    )
