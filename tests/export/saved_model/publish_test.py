import dataclasses
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import tensorflow as tf
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from export.saved_model import __main__ as command
from export.saved_model import publish as publishing
from export.saved_model.publish import (
    metadata_of,
    publish,
    training_of,
)
from sketcher_tf import contract
from sketcher_tf.configs import DataConfig
from sketcher_tf.training.run_folder import RunFolder, write_history
from tests.testing import processes, toys
from tests.testing.exports import make_model, make_sketcher

METADATA = metadata_of(make_model(), {})


def tree(folder):
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
    )


@pytest.mark.parametrize("servable", contract.SERVABLES, ids=lambda s: s.name)
def test_a_version_is_whole(published, servable):
    files = {
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "assets.extra/tf_serving_warmup_requests",
    }
    if servable is contract.SKETCHER:  # sessions must not be merged
        files.add("batching_params.pbtxt")
    assert set(tree(published / servable.name)) == {f"1/{x}" for x in files}


def test_a_fingerprint_is_of_schema_settings_and_weights():
    model = make_model()
    fingerprint = metadata_of(model, {}).fingerprint
    assert fingerprint == METADATA.fingerprint
    model.weights[0].assign_add(model.weights[0] * 0 + 1)
    assert metadata_of(model, {}).fingerprint != fingerprint
    settings = dataclasses.replace(toys.CONFIG, data=DataConfig())
    assert metadata_of(make_model(settings), {}).fingerprint != fingerprint


def test_nothing_else_is_left(published):
    names = {path.name for path in published.iterdir()}
    assert names == {"sketcher", "sketcher_session", ".lock"}


@pytest.mark.parametrize("servable", contract.SERVABLES, ids=lambda s: s.name)
def test_the_signatures_are_those_of_the_contract(published, servable):
    content = (published / servable.name / "1" / "saved_model.pb").read_bytes()
    found = SavedModel.FromString(content).meta_graphs[0].signature_def
    names = {name for name in found if not name.startswith("__")}
    assert names == set(servable.served)
    for name, signature in servable.served.items():
        method = tf.saved_model.PREDICT_METHOD_NAME
        assert found[name].method_name == method
        for infos, tensors in (
            (found[name].inputs, signature.inputs),
            (found[name].outputs, signature.outputs),
        ):
            assert set(infos) == {tensor.name for tensor in tensors}
            for tensor in tensors:
                info = infos[tensor.name]
                assert tf.as_dtype(info.dtype).name == tensor.dtype
                shape = tf.TensorShape(info.tensor_shape)
                assert shape.rank is not None
                expected = list(tensor.shape_for(METADATA.sizes))
                assert shape.as_list() == expected


def test_signatures_that_draw_share_their_graphs(published):
    """One with given points and one without, of latents and of points."""
    content = (published / "sketcher" / "1" / "saved_model.pb").read_bytes()
    graph = SavedModel.FromString(content).meta_graphs[0].graph_def
    names = [f.signature.name for f in graph.library.function]
    for drawn in ("draw", "draw_latents"):
        found = [n for n in names if re.fullmatch(rf"__.*_{drawn}_\d+", n)]
        assert len(found) == 2, found


def batching_parameters():
    """The message that the server parses, of session_bundle_config.proto."""
    file = descriptor_pb2.FileDescriptorProto(
        name="batching.proto",
        package="test",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    message = file.message_type.add(name="BatchingParameters")
    kind = descriptor_pb2.FieldDescriptorProto
    names = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches")
    for number, name in enumerate(names, 1):
        message.field.add(
            name=name,
            number=number,
            label=kind.LABEL_OPTIONAL,
            type=kind.TYPE_MESSAGE,
            type_name=".google.protobuf.Int64Value",
        )
    message.field.add(
        name="allowed_batch_sizes",
        number=6,
        label=kind.LABEL_REPEATED,
        type=kind.TYPE_INT64,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("test.BatchingParameters")
    )()


def test_the_server_can_batch_by_its_parameters(published):
    text = (published / "sketcher" / "1" / "batching_params.pbtxt").read_text()
    parameters = text_format.Parse(text, batching_parameters())
    sizes = list(parameters.allowed_batch_sizes)
    assert sizes == sorted(set(sizes)) and sizes[0] == 1
    assert sizes[-1] == parameters.max_batch_size.value
    assert sizes[-1] == contract.MAX_BATCH_SIZE
    assert parameters.batch_timeout_micros.value < 10_000


# --- Publishing; what is written does not matter here ------------------------


def write_little(patch):
    def write(model, metadata, folder, *capacity):
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_text(str(metadata.training))

    patch.setattr(publishing, "write_stateless", write)
    patch.setattr(publishing, "write_sessions", write)
    patch.setattr(publishing, "verify", lambda *args: None)
    patch.setattr(publishing, "stateless_calls", lambda *args: [])
    patch.setattr(publishing, "session_calls", lambda *args: [])


@pytest.fixture
def quick(monkeypatch):
    """Writes little and verifies nothing."""
    write_little(monkeypatch)
    return monkeypatch


@pytest.fixture(scope="module")
def sketcher():
    return make_sketcher()


def versions(models):
    return {
        servable.name: sorted(
            path.name for path in (models / servable.name).glob("*")
        )
        for servable in contract.SERVABLES
    }


def both(*names):
    return {servable.name: list(names) for servable in contract.SERVABLES}


def test_versions_are_numbered(quick, sketcher, tmp_path):
    assert publish(sketcher, tmp_path / "a" / "b") == 1
    assert publish(sketcher, tmp_path / "a" / "b") == 2
    assert publish(sketcher, tmp_path / "a" / "b", version=20) == 20
    (tmp_path / "a" / "b" / "sketcher" / "notes").mkdir()
    assert publish(sketcher, tmp_path / "a" / "b") == 21
    assert versions(tmp_path / "a" / "b")["sketcher_session"] == [
        *("1", "2", "20", "21")
    ]


def test_a_version_in_one_of_the_two_counts(quick, sketcher, tmp_path):
    (tmp_path / "sketcher_session" / "0007").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"received 7, .*to get 8"):
        publish(sketcher, tmp_path, version=7)
    assert publish(sketcher, tmp_path) == 8


def test_two_at_once_get_two_versions(quick, sketcher, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        numbers = pool.map(lambda _: publish(sketcher, tmp_path), range(4))
    assert sorted(numbers) == [1, 2, 3, 4]
    assert versions(tmp_path) == both("1", "2", "3", "4")


def test_what_is_not_verified_is_not_published(quick, sketcher, tmp_path):
    publish(sketcher, tmp_path)

    def fail(expected):
        assert [folder.name for folder in expected] == [
            servable.name for servable in contract.SERVABLES
        ]
        raise ValueError("unfit")

    with quick.context() as patch:
        patch.setattr(publishing, "verify", fail)
        with pytest.raises(ValueError, match="unfit"):
            publish(sketcher, tmp_path)
    assert versions(tmp_path) == both("1")
    assert publish(sketcher, tmp_path) == 2


def publish_and_die(models, moment):
    """In a process of its own."""

    def kill(*args):
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        write_little(patch)
        patch.setattr(publishing, moment, kill)
        publish(make_sketcher(), models)


@pytest.mark.parametrize("moment", ["write_sessions", "verify", "_move"])
def test_a_kill_leaves_the_old_version(quick, sketcher, tmp_path, moment):
    publish(sketcher, tmp_path, training={"run": "old"})
    before = tree(tmp_path)
    child = processes.start(publish_and_die, tmp_path, moment)
    assert processes.finish(child) == [processes.KILLED]
    assert versions(tmp_path) == both("1")
    assert len(tree(tmp_path)) > len(before)  # it had begun
    # What it left does not come into the next one.
    assert publish(sketcher, tmp_path, training={"run": "new"}) == 2
    assert tree(tmp_path) == sorted(
        [
            *before,
            *(file.replace("/1/", "/2/") for file in before if "/" in file),
        ]
    )
    for number, name in ((1, "old"), (2, "new")):
        for servable in contract.SERVABLES:
            folder = tmp_path / servable.name / str(number)
            assert name in (folder / "saved_model.pb").read_text()


def test_a_kill_between_the_servables_is_mended_by_the_next_export(
    quick, sketcher, tmp_path
):
    publish(sketcher, tmp_path)
    move, moved = publishing._move, []

    def fail(*args):
        if moved:
            raise KeyboardInterrupt
        moved.append(move(*args))

    with quick.context() as patch:
        patch.setattr(publishing, "_move", fail)
        with pytest.raises(KeyboardInterrupt):
            publish(sketcher, tmp_path)
    assert [len(numbers) for numbers in versions(tmp_path).values()] == [2, 1]
    assert publish(sketcher, tmp_path) == 3


def test_a_version_below_the_newest_is_published_with_a_warning(
    quick, sketcher, tmp_path, caplog
):
    publish(sketcher, tmp_path, version=5)
    assert not caplog.records
    assert publish(sketcher, tmp_path, version=3) == 3
    assert "Version 3 is older than 5" in caplog.text
    assert versions(tmp_path) == both("3", "5")


def test_training_is_told_as_far_as_it_is_known(tmp_path):
    assert training_of(tmp_path / "cats.keras") == {"model": "cats"}
    run = RunFolder(tmp_path / "cats")
    run.path.mkdir()
    rows = [
        {"epoch": n, "val_loss": loss} for n, loss in ((1, 3), (2, 1), (3, 2))
    ]
    write_history(run.history, rows)
    best = {"run": "cats", "epoch": 2, "val_loss": 1.0}
    assert training_of(run.model) == training_of(run.best) == best
    assert training_of(run.last) == {"run": "cats", "epoch": 3, "val_loss": 2.0}


def test_the_command_says_what_is_wrong(tmp_path):
    flags = f"--model={tmp_path / 'nothing'}", f"--output={tmp_path / 'models'}"
    with pytest.raises(SystemExit, match="error: a model must be a run folder"):
        command.COMMAND.run(command.main, flags)
    assert not (tmp_path / "models").exists()
