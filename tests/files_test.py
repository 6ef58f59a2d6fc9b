import os
import subprocess
import sys

import pytest

from sketcher_tf.files import locked, write_atomically


def test_a_file_is_written_in_a_folder_that_may_be_new(tmp_path):
    path = tmp_path / "deep" / "down" / "a.txt"
    write_atomically(path, lambda file: file.write_text("new"))
    assert path.read_text() == "new"
    assert os.listdir(path.parent) == ["a.txt"]


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.keras"
    path.write_text("old")

    def write(building):
        # Keras looks at the ending.
        assert building.suffix == ".keras"
        building.write_text("half")
        assert path.read_text() == "old"
        building.write_text("whole")

    write_atomically(path, write)
    assert path.read_text() == "whole"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write(building):
        building.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, write)
    assert path.read_text() == "old"
    write_atomically(path, lambda file: file.write_text("new"))
    assert os.listdir(tmp_path) == ["a.txt"]


HOLDER = """
import os, pathlib, signal, sys
from sketcher_tf.files import locked
with locked(pathlib.Path(sys.argv[1])):
    print("mine", flush=True)
    signal.pause()
"""


def test_a_lock_is_free_again_when_its_holder_is_killed(tmp_path):
    path = tmp_path / "new" / "lock"
    with (
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
        ) as holder,
        pytest.raises(BlockingIOError),
    ):
        assert holder.stdout.readline() == "mine\n"
        try:
            with locked(path, wait=False):
                pass
        finally:
            holder.kill()
    with locked(path), pytest.raises(BlockingIOError), locked(path, wait=False):
        pass
    with locked(path, wait=False):
        pass
