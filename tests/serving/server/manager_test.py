"""Which versions are loaded when, with models that are only names."""

import threading

import pytest

from serving.server.manager import ModelManager, newest_versions
from serving.server.model import StatusError
from sketcher_tf.wire.messages import State
from tests.testing.fakes import wait_until


class Named:
    """A servable that only counts who uses it."""

    def __init__(self, name, version, path):
        if (path / "broken").exists():
            raise ValueError("it is broken")
        assert (path / "saved_model.pb").exists()
        self.name, self.version = name, version
        self.users, self.closed = 0, False
        self.idle = threading.Event()
        self.idle.set()

    def acquire(self):
        self.users += not self.closed
        return not self.closed

    def release(self):
        self.users -= 1

    def drain_and_close(self):
        self.closed = True
        assert self.idle.wait(60)
        assert not self.users


@pytest.fixture
def manager(tmp_path):
    return ModelManager(tmp_path, Named)


def publish(folder, name, version, broken=False):
    path = folder / name / str(version)
    path.mkdir(parents=True)
    (path / "saved_model.pb").touch()
    if broken:
        (path / "broken").touch()
    return path


def serving(manager, name="cat", version=None):
    with manager.using(name, version) as servable:
        return servable.version


def states(manager, name="cat"):
    return {n: status.state for n, status in manager.states(name).items()}


def ended(manager, version=1):
    """Whether a version has been unloaded, which is done beside."""
    return lambda: states(manager)[version] == State.END


def test_only_whole_numbers_are_versions(tmp_path):
    for name in (
        "1",
        "2",
        "010",
        "3x",
        "-4",
        "5.0",
        ".6",
        "tmp",
        "\u0667",
        "8 ",
    ):
        publish(tmp_path, "cat", name)
    (tmp_path / "cat" / "99").touch()  # a file
    publish(tmp_path, ".building", "1")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    assert newest_versions(tmp_path) == {"cat": tmp_path / "cat" / "010"}


def test_new_versions_replace_old_ones(tmp_path, manager):
    with pytest.raises(StatusError, match="Servable not found"):
        serving(manager)
    publish(tmp_path, "cat", 1)
    publish(tmp_path, "pig", 7)
    manager.refresh()
    assert serving(manager) == 1
    assert serving(manager, "pig") == 7
    publish(tmp_path, "cat", 3)
    publish(tmp_path, "cat", 2)
    manager.refresh()
    assert serving(manager) == serving(manager, version=3) == 3
    for version in (1, 2, 4):
        with pytest.raises(StatusError, match=rf"Specific\(cat, {version}\)"):
            serving(manager, version=version)
    wait_until(ended(manager))
    assert states(manager) == {1: State.END, 3: State.AVAILABLE}
    manager.refresh()
    assert states(manager) == {1: State.END, 3: State.AVAILABLE}


def test_the_version_before_comes_back_if_the_newest_is_removed(
    tmp_path, manager
):
    publish(tmp_path, "cat", 1)
    newest = publish(tmp_path, "cat", 2)
    manager.refresh()
    assert serving(manager) == 2
    newest.rename(tmp_path / "away")
    manager.refresh()
    assert serving(manager) == 1
    wait_until(ended(manager, 2))
    (tmp_path / "away").rename(newest)
    manager.refresh()
    assert serving(manager) == 2
    wait_until(ended(manager, 1))
    assert states(manager) == {1: State.END, 2: State.AVAILABLE}


def test_a_model_without_versions_is_unloaded(tmp_path, manager):
    path = publish(tmp_path, "cat", 1)
    manager.refresh()
    path.rename(tmp_path / "away")
    manager.refresh()
    with pytest.raises(StatusError, match="Servable not found"):
        serving(manager)
    wait_until(ended(manager))


def test_a_version_that_cannot_be_loaded_leaves_the_old_one(tmp_path, manager):
    publish(tmp_path, "cat", 1)
    manager.refresh()
    broken = publish(tmp_path, "cat", 2, broken=True)
    manager.refresh()
    assert serving(manager) == 1
    assert states(manager) == {1: State.AVAILABLE, 2: State.END}
    assert "it is broken" in manager.states("cat")[2].error
    (broken / "broken").unlink()
    manager.refresh()  # as with the real server, it is not looked at again
    assert serving(manager) == 1


def test_the_old_version_is_drained_first(tmp_path, manager):
    publish(tmp_path, "cat", 1)
    manager.refresh()
    publish(tmp_path, "cat", 2)
    with manager.using("cat", None) as old:
        old.idle.clear()
        manager.refresh()
        # New calls go to the new version meanwhile.
        assert serving(manager) == 2
        with pytest.raises(StatusError):
            serving(manager, version=1)
        # And other models do not wait for it.
        publish(tmp_path, "pig", 7)
        manager.refresh()
        assert serving(manager, "pig") == 7
        assert states(manager)[1] == State.UNLOADING
        closing = threading.Thread(target=manager.close)
        closing.start()
        closing.join(0.1)
        assert closing.is_alive()
    old.idle.set()
    closing.join(60)
    assert states(manager) == {1: State.END, 2: State.END}


def test_a_model_replaced_in_the_last_moment_is_looked_up_again(
    tmp_path, manager, monkeypatch
):
    publish(tmp_path, "cat", 1)
    manager.refresh()
    acquire = Named.acquire

    def too_late(self):
        monkeypatch.setattr(Named, "acquire", acquire)
        publish(tmp_path, "cat", 2)
        manager.refresh()
        return self.acquire()

    monkeypatch.setattr(Named, "acquire", too_late)
    assert serving(manager) == 2


def test_closing_unloads_all(tmp_path, manager):
    publish(tmp_path, "cat", 1)
    manager.refresh()
    with manager.using("cat", None) as servable:
        pass
    manager.close()
    assert servable.closed
    assert states(manager) == {1: State.END}


def test_what_is_being_loaded_while_closing_is_unloaded(tmp_path):
    begun, release, loaded = threading.Event(), threading.Event(), []

    def load(*args):
        begun.set()
        assert release.wait(60)
        loaded.append(Named(*args))
        return loaded[-1]

    manager = ModelManager(tmp_path, load)
    publish(tmp_path, "cat", 1)
    publish(tmp_path, "pig", 1)
    watcher = threading.Thread(target=manager.watch, args=(0.01,), daemon=True)
    watcher.start()
    assert begun.wait(60)
    closing = threading.Thread(target=manager.close, daemon=True)
    closing.start()
    wait_until(manager._stopped.is_set)
    closing.join(0.1)
    release.set()
    closing.join(60)
    watcher.join(60)
    [only] = loaded  # the other one is not even begun
    assert only.closed


def test_watching_finds_new_versions(tmp_path, manager):
    watcher = threading.Thread(target=manager.watch, args=(0.01,))
    watcher.start()
    publish(tmp_path, "cat", 1)
    wait_until(lambda: states(manager).get(1) == State.AVAILABLE)
    (tmp_path / "cat").rename(tmp_path.with_name(f"{tmp_path.name}-away"))
    wait_until(lambda: states(manager).get(1) == State.END)
    tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-gone"))
    watcher.join(0.1)
    assert watcher.is_alive()  # a folder that is away may come back
    manager.close()
    watcher.join(60)
    assert not watcher.is_alive()
