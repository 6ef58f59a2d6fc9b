"""What is made once for all processes of a test run."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from tests.testing.sharing import made_once


@pytest.fixture
def factory(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    return lambda n: SimpleNamespace(getbasetemp=lambda: tmp_path / f"gw{n}")


def test_whoever_comes_meanwhile_waits(factory, tmp_path):
    calls = []

    def make(path):
        calls.append(path)
        path.write_text("made")

    with ThreadPoolExecutor(4) as pool:
        paths = list(
            pool.map(lambda n: made_once(factory(n), "toy", make), range(4))
        )
    assert calls == [tmp_path / "toy"]
    assert set(paths) == set(calls)


def test_what_could_not_be_made_is_tried_again(factory):
    def fail(path):
        raise OSError

    with pytest.raises(OSError):
        made_once(factory(0), "toy", fail)
    path = made_once(factory(1), "toy", lambda path: path.write_text("made"))
    assert path.read_text() == "made"
