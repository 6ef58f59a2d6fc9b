"""Runs recorded calls on a servable, in a process that knows nothing else.

    python -m export.saved_model.replay FOLDER CALLS [FOLDER CALLS ...]

Loads each FOLDER as Python programs do and as TensorFlow Serving does; with
each it runs the servable's own warm-up calls and then its CALLS, which it
writes with their outputs to CALLS.eager and CALLS.session. The model's code is
not imported, so whatever needs it fails here, as it would on a server.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import tensorflow as tf

from sketcher_tf.contract import Arrays

from .warmup import Call, read_calls, warmup_file, write_calls

Run = Callable[[Call], Arrays]


@contextlib.contextmanager
def loaded_eagerly(folder: Path) -> Iterator[Run]:
    """A function that runs calls, as Python programs do."""
    signatures = tf.saved_model.load(str(folder)).signatures

    def run(call: Call) -> Arrays:
        inputs = {k: tf.constant(v) for k, v in call.inputs.items()}
        outputs = signatures[call.signature](**inputs)
        return {name: value.numpy() for name, value in outputs.items()}

    yield run


@contextlib.contextmanager
def loaded_in_session(folder: Path) -> Iterator[Run]:
    """A function that runs calls, as TensorFlow Serving does."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    with contextlib.closing(session):
        with session.graph.as_default():
            loaded = tf.compat.v1.saved_model.load(
                session, [tf.saved_model.SERVING], str(folder)
            )

        def run(call: Call) -> Arrays:
            signature = loaded.signature_def[call.signature]
            return session.run(
                {k: v.name for k, v in signature.outputs.items()},
                {signature.inputs[k].name: v for k, v in call.inputs.items()},
            )

        yield run


Loader = Callable[[Path], contextlib.AbstractContextManager[Run]]
LOADERS: Mapping[str, Loader] = {
    "eager": loaded_eagerly,
    "session": loaded_in_session,
}


def main(folder: Path, calls: Path) -> None:
    """For one servable, see the module."""
    warmup = list(read_calls(warmup_file(folder)))
    asked = list(read_calls(calls))
    for name, load in LOADERS.items():
        with load(folder) as run:
            for call in warmup:
                run(call)
            answered = [call._replace(outputs=run(call)) for call in asked]
        write_calls(calls.with_suffix(f".{name}"), answered)


if __name__ == "__main__":
    for paths in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        print(f"{paths[0]}:", file=sys.stderr)  # before what fails there
        main(*map(Path, paths))
