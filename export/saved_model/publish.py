"""Writing servables, and publishing them as numbered versions.

    models/sketcher/1/            what a server loads, see `contract`
    models/sketcher_session/1/

A server that watches the folder takes up a version as soon as it sees it, whole
or not. So a version is written and verified beside, and then renamed. The two
renames are not one: what is killed between them leaves a version of `sketcher`
alone, and the next export makes a newer one of both. Meanwhile, as while a
server has loaded one of the two, each tells its own labels, with a fingerprint
by which clients see that they are not of one model.
"""

import hashlib
import json
import logging
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from sketcher_tf import contract
from sketcher_tf.contract import Metadata, Servable
from sketcher_tf.files import locked
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.training.run_folder import (
    RunFolder,
    best_epoch,
    read_history,
)

from . import DEFAULT_CAPACITY
from .expected import session_calls, stateless_calls
from .sessions import SessionCalls
from .signatures import trace_servable
from .stateless import StatelessCalls
from .verify import verify
from .warmup import warmup_calls, warmup_file, write_calls

_BATCH_SIZES = [1, 2, 4, 8, 16, contract.MAX_BATCH_SIZE]
# How the server merges calls, if it is told to. Padding of unlike shapes stays
# off: it would repeat a drawing's first number, and make another drawing of it.
_BATCHING = "\n".join(
    [
        f"max_batch_size {{ value: {contract.MAX_BATCH_SIZE} }}",
        "batch_timeout_micros { value: 2000 }",
        "max_enqueued_batches { value: 100 }",
        *(f"allowed_batch_sizes: {size}" for size in _BATCH_SIZES),
        "",
    ]
)


def publish(
    sketcher: Sketcher,
    output: Path,
    *,
    version: int | None = None,
    capacity: int = DEFAULT_CAPACITY,
    training: Mapping[str, Any] | None = None,
) -> int:
    """Writes both servables, verifies them and publishes them.

    With a GPU in sight, the graphs may come to need one: hide it before.

    Args:
        sketcher: the model.
        output: the folder of models.
        version: a new one; None is the next one.
        capacity: sessions that there is room for.
        training: where the model comes from, see `training_of`.

    Returns:
        The version.

    Raises:
        ValueError: the version exists, or a servable is not fit to be served.
            Nothing is published then.
    """
    model = sketcher.model
    metadata = metadata_of(model, training or {})
    with locked(output / ".lock"):
        version = _new_version(output, version)
        building = output / ".building"  # on the same file system
        shutil.rmtree(building, ignore_errors=True)
        stateless = building / contract.SKETCHER.name
        write_stateless(model, metadata, stateless)
        sessions = building / contract.SKETCHER_SESSION.name
        write_sessions(model, metadata, sessions, capacity)
        verify(
            {
                stateless: stateless_calls(sketcher, metadata),
                sessions: session_calls(sketcher, metadata),
            }
        )
        for folder in (stateless, sessions):
            _move(folder, output / folder.name / str(version))
        building.rmdir()
    return version


def write_stateless(
    model: AISketcher, metadata: Metadata, folder: Path
) -> None:
    """Writes the servable `sketcher` to a new folder."""
    calls = StatelessCalls(model, metadata)
    _write(folder, contract.SKETCHER, metadata, calls, weights_of(model))
    (folder / "batching_params.pbtxt").write_text(_BATCHING)


def write_sessions(
    model: AISketcher, metadata: Metadata, folder: Path, capacity: int
) -> None:
    """Writes the servable `sketcher_session` to a new folder."""
    lock = f"sessions-{uuid.uuid4().hex}"
    calls = SessionCalls(model, metadata, capacity, lock)
    variables = [*weights_of(model), *calls.variables]
    _write(folder, contract.SKETCHER_SESSION, metadata, calls, variables)


def metadata_of(model: AISketcher, training: Mapping[str, Any]) -> Metadata:
    """What `labels` tells of the model."""
    return Metadata(
        schema=model.schema.to_json(),
        condition_size=model.schema.condition_size,
        latent_size=model.latent_size,
        config=model.config.to_json(),
        training=training,
        fingerprint=fingerprint_of(model),
    )


def fingerprint_of(model: AISketcher) -> str:
    """The same for models with the same schema, settings and weights."""
    settings = model.schema.to_json(), model.config.to_json()
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for variable in weights_of(model):
        if variable.dtype.is_floating:  # no states of random generators
            digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()[:32]


def training_of(file: Path) -> dict[str, Any]:
    """Where a model file comes from: its run and, if known, its epoch."""
    run = RunFolder(file.parent)
    rows = read_history(run.history)
    if not rows:
        return {"model": file.stem}
    row = rows[-1] if file == run.last else rows[best_epoch(rows)]
    return {
        "run": run.path.resolve().name,
        "epoch": row["epoch"],
        "val_loss": row["val_loss"],
    }


def weights_of(model: AISketcher) -> list[tf.Variable]:
    """What Keras' variables hold.

    If a Keras layer is tracked, TensorFlow Serving does not find its weights.
    """
    return [variable.value for variable in model.weights]


def _write(
    folder: Path,
    servable: Servable,
    metadata: Metadata,
    calls: object,
    variables: Sequence[tf.Variable],
) -> None:
    root = tf.Module()
    root.tracked = list(variables)
    tf.saved_model.save(
        root,
        str(folder),
        trace_servable(servable, metadata.sizes, calls),
        # A server does not train.
        tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )
    _declare_shapes(folder, servable, metadata.sizes)
    warmup = warmup_calls(servable, metadata.sizes)
    write_calls(warmup_file(folder), warmup)


def _declare_shapes(
    folder: Path, servable: Servable, sizes: Mapping[str, int]
) -> None:
    """Writes the shapes of inputs into what a server tells of its signatures.

    The graphs themselves know none, so that they can refuse wrong ones.
    """
    file = folder / "saved_model.pb"
    saved_model = SavedModel.FromString(file.read_bytes())
    declared = saved_model.meta_graphs[0].signature_def
    for name, signature in servable.served.items():
        for tensor in signature.inputs:
            shape = tf.TensorShape(tensor.shape_for(sizes)).as_proto()
            info = declared[name].inputs[tensor.name]
            info.tensor_shape.CopyFrom(shape)
    file.write_bytes(saved_model.SerializeToString())
    (folder / "fingerprint.pb").unlink()  # of what it was before


def _new_version(output: Path, wanted: int | None) -> int:
    found = {
        int(path.name)
        for servable in contract.SERVABLES
        for path in (output / servable.name).glob("*")
        if path.name.isdecimal()
    }
    if wanted in found:
        raise ValueError(
            f"a version must be a new one; received {wanted}, which is in "
            f"{output}. Leave it out to get {max(found) + 1}."
        )
    newest = max(found, default=0)
    if wanted and wanted < newest:
        logging.warning(
            "Version %d is older than %d: a server takes the newest, unless "
            "its configuration names others",
            wanted,
            newest,
        )
    return wanted or newest + 1


def _move(folder: Path, version: Path) -> None:
    """All at once, and not before all of it is on the disk."""
    for path in [*folder.rglob("*"), folder]:
        _flush(path)
    version.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(version)
    _flush(version.parent)


def _flush(path: Path) -> None:
    """Writes a file, or the names in a folder, to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
