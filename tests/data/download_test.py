import http.server
import io
import socket
import threading
import time

import numpy as np
import pytest

from sketcher_tf.data import download
from sketcher_tf.data.download import (
    ATTRIBUTION,
    DownloadError,
    cache_dir,
    check_categories,
    download_quickdraw,
    official_categories,
    resolve_data,
)
from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.reading import read_drawings


def npz_bytes(size=20_000, seed=0):
    random = np.random.default_rng(seed)
    points = random.integers(-99, 99, (1, size, 3)).astype(np.int16)
    points[..., 2] = 0
    file = io.BytesIO()
    np.savez(file, train=points)
    return file.getvalue()


CONTENT = npz_bytes()
TOTAL = len(CONTENT)


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`, behaving badly as `plan` says, answer by answer.

    An entry of `plan` is a set of: an int (a status of error), a pair
    ("cut", n) (close after n bytes of the body), "no range" (answer 200),
    "no length", "weak", "no etag", "wrong start", "wrong range", "ignore
    if-range".
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/data"
        self.content, self.etag, self.plan = CONTENT, '"v1"', []
        self.requests = []  # (path, Range, If-Range)

    @property
    def starts(self):
        """Where the client wanted each answer to start."""
        return [
            0 if wanted is None else int(wanted[len("bytes=") : -1])
            for _, wanted, _ in self.requests
        ]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        wanted, condition = self.headers["Range"], self.headers["If-Range"]
        server.requests.append((self.path, wanted, condition))
        faults = server.plan.pop(0) if server.plan else set()
        status = next((f for f in faults if isinstance(f, int)), None)
        if status:
            return self.send_error(status)
        fresh = condition == server.etag or "ignore if-range" in faults
        start = int(wanted[len("bytes=") : -1]) if wanted and fresh else 0
        if "no range" in faults:
            start = 0
        if start >= len(server.content):
            return self.send_error(416)
        self.send_head(start, faults)
        cut = next((f[1] for f in faults if isinstance(f, tuple)), None)
        body = server.content[start:]
        self.wfile.write(body if cut is None else body[:cut])

    def send_head(self, start, faults):
        total = len(self.server.content)
        self.send_response(206 if start else 200)
        if "no length" not in faults:
            self.send_header("Content-Length", str(total - start))
        if "no etag" not in faults:
            weak = "W/" if "weak" in faults else ""
            self.send_header("ETag", weak + self.server.etag)
        if start:
            said = start + 1 if "wrong start" in faults else start
            unit = "lines" if "wrong range" in faults else "bytes"
            self.send_header(
                "Content-Range", f"{unit} {said}-{total - 1}/{total}"
            )
        self.end_headers()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def fetch(server, tmp_path):
    """Downloads one category and returns the waits between attempts."""

    def run(category="cat"):
        waits = []
        paths = download_quickdraw(
            [category], tmp_path, base_url=server.url, sleep=waits.append
        )
        assert [path.read_bytes() for path in paths] == [server.content]
        assert_clean(tmp_path)
        return waits

    return run


def assert_clean(folder):
    assert {path.suffix for path in folder.iterdir()} <= {".npz", ".txt"}


def cut(size):
    return {("cut", size)}


def test_a_file_is_downloaded_once(server, fetch, tmp_path):
    assert fetch("alarm clock") == []
    assert fetch("alarm clock") == []
    assert server.requests == [("/data/alarm%20clock.npz", None, None)]
    assert (tmp_path / "alarm clock.npz").read_bytes() == CONTENT
    assert (tmp_path / "ATTRIBUTION.txt").read_text() == f"{ATTRIBUTION}\n"


def test_a_cut_connection_is_resumed(server, fetch):
    server.plan = [cut(5_000), cut(7_000), cut(0)]
    assert fetch() == [0.5, 1, 2]
    assert server.starts == [0, 5_000, 12_000, 12_000]
    assert server.requests[-1][2] == '"v1"'


def test_a_later_run_goes_on_where_the_first_stopped(server, fetch, tmp_path):
    server.plan = [cut(100)] * 5
    with pytest.raises(DownloadError, match=f"500 of {TOTAL} bytes received"):
        fetch()
    assert not (tmp_path / "cat.npz").exists()
    assert (tmp_path / "cat.npz.part").stat().st_size == 500
    assert fetch() == []
    assert server.starts == [0, 100, 200, 300, 400, 500]


def test_attempts_are_bounded(server, fetch):
    server.plan = [cut(0)] * 99
    with pytest.raises(DownloadError):
        fetch()
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("fault", "starts"),
    [
        ("no range", [0, 5_000]),
        ("wrong start", [0, 5_000, 0]),
        ("wrong range", [0, 5_000, 5_000]),
    ],
)
def test_a_server_that_does_not_resume_is_asked_anew(
    server, fetch, fault, starts
):
    server.plan = [cut(5_000), {fault}]
    fetch()
    assert server.starts == starts


def interrupted(server, fetch):
    """Leaves 5,000 bytes of the first version behind."""
    server.plan = [cut(5_000), {404}]
    with pytest.raises(DownloadError):
        fetch()


def test_a_changed_file_is_not_joined_to_the_old_one(server, fetch):
    interrupted(server, fetch)
    server.content, server.etag = npz_bytes(30_000, 1), '"v2"'
    assert fetch() == []
    assert server.starts == [0, 5_000, 5_000]


def test_a_changed_file_is_noticed_though_the_server_is_not(server, fetch):
    interrupted(server, fetch)
    server.content, server.etag = npz_bytes(30_000, 1), '"v2"'
    server.plan = [{"ignore if-range"}]
    fetch()
    assert server.starts[-2:] == [5_000, 0]


def test_a_file_that_became_shorter_is_asked_anew(server, fetch):
    interrupted(server, fetch)
    server.content = npz_bytes(100)
    fetch()
    assert server.starts[-2:] == [5_000, 0]


@pytest.mark.parametrize("fault", ["no etag", "weak"])
def test_nothing_is_joined_without_a_version(server, fetch, fault):
    server.plan = [{fault, ("cut", 5_000)}, set()]
    fetch()
    assert server.starts == [0, 0]


def test_a_part_without_version_is_dropped(server, fetch, tmp_path):
    (tmp_path / "cat.npz.part").write_bytes(b"of an unknown version")
    fetch()
    assert server.starts == [0]


def test_a_body_without_length_is_taken(server, fetch):
    server.plan = [{"no length"}]
    fetch()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server, fetch, status):
    server.plan = [{status}, {status}]
    assert fetch() == [0.5, 1]


@pytest.mark.parametrize("status", [403, 404])
def test_a_missing_file_is_an_error_at_once(server, fetch, status):
    server.plan = [{status}]
    with pytest.raises(DownloadError, match=f"HTTP Error {status}"):
        fetch()
    assert len(server.requests) == 1


def test_a_login_page_is_no_npz(server, fetch, tmp_path):
    server.content = b"<html>Welcome to our hotel</html>"
    with pytest.raises(DownloadError, match="login page"):
        fetch()
    assert_clean(tmp_path)
    assert not (tmp_path / "cat.npz").exists()


def test_offline_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        waits = []
        with pytest.raises(DownloadError) as error:
            download_quickdraw(
                ["hot dog"], tmp_path, base_url=url, sleep=waits.append
            )
    assert waits == [0.5, 1, 2, 4]
    for advice in [
        f"{url}/hot%20dog.npz must be reachable",
        "Connection refused",
        "Check the connection",
        f"by hand to {tmp_path / 'hot dog.npz'}",
        "--data=<files>",
        "doodles",
    ]:
        assert advice in str(error.value)


def test_a_silent_server_is_given_up(server, fetch, monkeypatch):
    monkeypatch.setattr(download, "_TIMEOUT_S", 0.05)
    monkeypatch.setattr(Handler, "do_GET", lambda self: self.connection.recv(1))
    start = time.monotonic()
    with pytest.raises(DownloadError, match="timed out"):
        fetch()
    assert time.monotonic() - start < 60  # 5 attempts of 0.05 s each


def test_a_full_disk_is_not_taken_for_the_network(server, fetch, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_copy", full)
    with pytest.raises(OSError, match="No space left"):
        fetch()
    assert len(server.requests) == 1


def test_all_is_the_official_list():
    names = official_categories()
    assert len(names) == len(set(names)) == 345
    assert check_categories(["all"]) == list(names)
    assert {"cat", "The Mona Lisa", "t-shirt", "zigzag"} < set(names)
    assert all(name == name.strip() and name.isascii() for name in names)


def test_the_categories_at_hand_are_official(shared_data):
    at_hand = {path.stem for path in (shared_data / "quickdraw").iterdir()}
    assert at_hand < set(official_categories())


def test_categories_are_told_apart_by_letters_only():
    names = ["the mona lisa", "cat", "The Mona Lisa"]
    assert check_categories(names) == ["The Mona Lisa", "cat"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("quickdraw:crap", r"'crap'\. Did you mean crab"),
        ("quickdraw:cat,mona lisa", r"Did you mean The Mona Lisa"),
        ("quickdraw:xyzzyx", r"'xyzzyx'\. See quickdraw_categories\.txt"),
        ("quickdraw:all,cat", "'all'"),
        ("quickdraw:", "Write for example quickdraw:cat,crab"),
        ("", "Name at least one"),
    ],
)
def test_a_wrong_spec_is_an_error(tmp_path, spec, message):
    with pytest.raises(ValueError, match=message):
        resolve_data(spec, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_spec_of_categories_is_downloaded(server, tmp_path):
    sources = resolve_data(
        "quickdraw:cat, The Mona Lisa", tmp_path, base_url=server.url
    )
    assert sources == [
        str(tmp_path / "cat.npz"),
        str(tmp_path / "The Mona Lisa.npz"),
    ]
    read = read_drawings(sources, Intake(Rules(20_000)))
    words = [drawing.labels["category"] for drawing in read]
    assert words == ["cat", "The Mona Lisa"]
    # The folder itself is a source too: the attribution is no obstacle.
    read = read_drawings(str(tmp_path), Intake(Rules(20_000)))
    assert len(list(read)) == 2


def test_other_specs_are_sources(tmp_path):
    assert resolve_data("a b.npz, *.svg", tmp_path) == ["a b.npz", "*.svg"]
    assert list(tmp_path.iterdir()) == []


def test_the_cache_follows_the_desktop_rules(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert str(cache_dir()) == "/home/me/.cache/sketcher_tf/quickdraw"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/cache")
    assert str(cache_dir()) == "/var/tmp/cache/sketcher_tf/quickdraw"
