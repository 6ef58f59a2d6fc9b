"""Whether a written servable is fit to be served, and answers as Python does.

Looks for what else goes wrong on a server only: operations that a server does
not have, weights that it does not find, and calls with other answers than the
library's.
"""

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from .replay import LOADERS
from .warmup import Call, read_calls, write_calls

# Where the package that holds this module can be imported from.
_ROOT = Path(__file__).resolve().parents[__package__.count(".") + 1]
_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
_COMPILE = "_XlaMustCompile"
# Graphs round in different ways, and along a sketch it adds up. In pixels.
_RELATIVE, _ABSOLUTE = 1e-3, 1e-2


def verify(expected: Mapping[Path, Sequence[Call]]) -> None:
    """All of it, see `check_operations` and `check_answers`."""
    for folder in expected:
        check_operations(folder)
    check_answers(expected)


def check_operations(folder: Path) -> None:
    """Every operation is one of TensorFlow's own, and needs no XLA.

    Raises:
        ValueError: one is not. It would load, and fail when it is called.
    """
    content = (folder / "saved_model.pb").read_bytes()
    graph = SavedModel.FromString(content).meta_graphs[0].graph_def
    functions = graph.library.function
    names = {function.signature.name for function in functions}
    nodes = [*graph.node, *(n for f in functions for n in f.node_def)]
    wrong = {
        node.op
        for node in nodes
        if node.op in _PYTHON
        or not (node.op in names or hasattr(tf.raw_ops, node.op))
    }
    if any(owner.attr[_COMPILE].b for owner in (*nodes, *functions)):
        wrong.add("jit_compile")
    if wrong:
        raise ValueError(
            "a servable must be made of TensorFlow's own operations and do "
            f"without XLA; received {', '.join(sorted(wrong))}. Use functions "
            "of tf only."
        )


def check_answers(expected: Mapping[Path, Sequence[Call]]) -> None:
    """In a fresh process, servables answer as expected, however loaded.

    Args:
        expected: by the folder of a servable, which has its warm-up calls: more
            calls, with all or some of their outputs.

    Raises:
        ValueError: one cannot be loaded, a call fails, or an answer differs.
    """
    with tempfile.TemporaryDirectory() as name:
        records = [Path(name, str(i)) for i in range(len(expected))]
        for path, calls in zip(records, expected.values(), strict=True):
            write_calls(path, (call._replace(outputs={}) for call in calls))
        _replay(list(expected), records)
        for path, calls in zip(records, expected.values(), strict=True):
            for loader in LOADERS:
                received = read_calls(path.with_suffix(f".{loader}"))
                for call, answer in zip(calls, received, strict=True):
                    _compare(call, answer, loader)


def _replay(folders: Sequence[Path], records: Sequence[Path]) -> None:
    path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
    arguments = itertools.chain(*zip(folders, records, strict=True))
    process = subprocess.run(
        [sys.executable, "-m", f"{__package__}.replay", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": path,
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        capture_output=True,
        text=True,
    )
    if process.returncode:
        raise ValueError(
            "a servable must load and run in a process of its own; received\n"
            f"{process.stderr[-2000:]}"
        )


def _compare(expected: Call, answer: Call, loader: str) -> None:
    for name, value in expected.outputs.items():
        received = answer.outputs[name]
        if not _alike(value, received):
            raise ValueError(
                f"{expected.signature} must answer as the Python API does; its "
                f"{name}, loaded in the way {loader!r}, differs: expected\n"
                f"{value}\nreceived\n{received}"
            )


def _alike(expected: np.ndarray, received: np.ndarray) -> bool:
    if expected.shape != received.shape:
        return False
    if expected.dtype.kind == "f":
        return np.allclose(received, expected, _RELATIVE, _ABSOLUTE)
    return np.array_equal(received, expected)
