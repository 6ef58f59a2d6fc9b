import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.server import __main__ as command
from serving.server import service as server_module
from serving.server.service import EmbeddedServer, server_credentials
from serving.tls import ssl_config
from tests.testing import servables
from tests.testing.fakes import PATIENCE, held, told, wait_until
from tests.testing.servables import request

CODE = grpc.StatusCode
ROOT = Path(__file__).resolve().parents[3]
START = "__saved_model_init_op"
AT_LEAST_A_MINUTE = 10**9  # steps of `spin`


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A version of the hand-made model, to copy from."""
    folder = tmp_path_factory.mktemp("models") / "toy" / "1"
    servables.write(folder)
    return folder


@pytest.fixture(scope="module")
def server(written):
    with EmbeddedServer(written.parents[1], poll_seconds=0.05) as server:
        yield server


class Stubs:
    """All services of a server."""

    def __init__(self, port, credentials=None):
        target = f"localhost:{port}"
        self.channel = (
            grpc.secure_channel(target, credentials, PATIENCE)
            if credentials
            else grpc.insecure_channel(target, PATIENCE)
        )
        predictions = prediction_service_pb2_grpc.PredictionServiceStub(
            self.channel
        )
        models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.predict = predictions.Predict
        self.metadata = predictions.GetModelMetadata
        self.classify = predictions.Classify
        self.status = models.GetModelStatus
        self.check = health_pb2_grpc.HealthStub(self.channel).Check

    def scale(self, rows=1, model="toy", **options):
        answer = self.predict(
            request(model, "scale", x=np.ones((rows, 2), np.float32)),
            timeout=options.get("timeout", 20),
        )
        return answer.model_spec.version.value, tf.make_ndarray(
            answer.outputs["y"]
        )


@pytest.fixture(scope="module")
def stubs(server):
    return Stubs(server.port)


def failure(call, *args, **kwargs):
    with pytest.raises(grpc.RpcError) as error:
        call(*args, **kwargs)
    return error.value.code(), error.value.details()


ONES = np.ones((1, 2), np.float32)


# --- Predict ------------------------------------------------------------------


def test_predict(stubs):
    answer = stubs.predict(request("toy", "scale", x=3 * ONES))
    np.testing.assert_array_equal(
        tf.make_ndarray(answer.outputs["y"]), 6 * ONES
    )
    assert answer.model_spec.name == "toy"
    assert answer.model_spec.version.value == 1
    assert answer.model_spec.signature_name == "scale"
    # As the real server does, unless it is told otherwise.
    assert list(answer.outputs["y"].float_val) == [6, 6]
    assert not answer.outputs["y"].tensor_content


def test_outputs_can_be_chosen(stubs):
    wanted = request("toy", "scale", x=ONES)
    wanted.output_filter.append("rows")
    assert list(stubs.predict(wanted).outputs) == ["rows"]
    wanted.output_filter.append("z")
    code, text = failure(stubs.predict, wanted)
    assert code == CODE.INVALID_ARGUMENT
    assert "output tensor alias not found in signature: z" in text


def test_state_stays_between_calls(stubs):
    numbers = [
        stubs.predict(request("toy", "count")).outputs["calls"].int64_val[0]
        for _ in range(3)
    ]
    assert np.diff(numbers).tolist() == [1, 1]


def labelled():
    wanted = request("toy", "scale", x=ONES)
    wanted.model_spec.version_label = "stable"
    return wanted


@pytest.mark.parametrize(
    ("wanted", "code", "text"),
    [
        (
            request("cat", "scale", x=ONES),
            CODE.NOT_FOUND,
            r"Servable not found for request: Latest\(cat\)",
        ),
        (
            request("toy", "scale", 9, x=ONES),
            CODE.NOT_FOUND,
            r"Servable not found for request: Specific\(toy, 9\)",
        ),
        (predict_pb2.PredictRequest(), CODE.INVALID_ARGUMENT, "Missing Model"),
        (request("", "scale"), CODE.INVALID_ARGUMENT, "has no name specified"),
        (
            request("toy", "draw", x=ONES),
            CODE.FAILED_PRECONDITION,
            'Serving signature key "draw" not found',
        ),
        (
            request("toy", "", x=ONES),
            CODE.FAILED_PRECONDITION,
            'key "serving_default" not found',
        ),
        (labelled(), CODE.INVALID_ARGUMENT, "version label: stable"),
        (
            request("toy", "scale", x=ONES.astype(int)),
            CODE.INVALID_ARGUMENT,
            "must be of dtype float32",
        ),
        (
            request("toy", "scale", y=ONES),
            CODE.INVALID_ARGUMENT,
            r"Sent extra: {y}. Missing but required: {x}",
        ),
        (
            request("toy", "scale", x=ONES, y=ONES),
            CODE.INVALID_ARGUMENT,
            r"2!=1 len\({x,y}\) != len\({x}\)",
        ),
        (request("toy", "positive", x=-ONES[0]), CODE.INVALID_ARGUMENT, "no"),
    ],
)
def test_codes_are_those_of_the_real_server(stubs, wanted, code, text):
    received, details = failure(stubs.predict, wanted)
    assert received == code
    assert re.search(text, details)


def test_a_tensor_that_is_none_is_refused(stubs):
    wanted = request("toy", "scale", x=ONES)
    wanted.inputs["x"].tensor_content = b"abc"
    code, text = failure(stubs.predict, wanted)
    assert code == CODE.INVALID_ARGUMENT
    assert "tensor parsing error: x" in text


def test_shapes_are_left_to_the_model(stubs):
    """So that its own assertion is what the caller sees."""
    answer = stubs.predict(request("toy", "scale", x=np.ones(3, np.float32)))
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["y"]), [2] * 3)


def test_long_texts_are_cut(stubs):
    _, text = failure(stubs.predict, request("toy", "positive", x=-ONES[0]))
    assert text.startswith("assertion failed: [no] [-1 -1] [xxx")
    assert text.endswith("x...TRUNCATED")
    assert len(text.removesuffix("...TRUNCATED")) == 1024


def test_values_may_be_left_out(stubs):
    wanted = request("toy", "scale", x=ONES)
    wanted.inputs["x"].tensor_content = b""
    y = [stubs.predict(wanted).outputs["y"]]
    wanted.inputs["x"].float_val.append(3)
    y.append(stubs.predict(wanted).outputs["y"])
    assert [list(one.float_val) for one in y] == [[0, 0], [6, 6]]


def test_surplus_values_and_an_unknown_rank_are_not_looked_at(stubs):
    wanted = request("toy", "scale", x=ONES)
    wanted.inputs["x"].tensor_content = b""
    wanted.inputs["x"].float_val.extend([3, 4, 5])
    wanted.inputs["x"].tensor_shape.unknown_rank = True
    assert list(stubs.predict(wanted).outputs["y"].float_val) == [6, 8]


def test_the_start_of_a_model_is_a_signature_that_gives_nothing(stubs):
    code, text = failure(stubs.predict, request("toy", START))
    assert code == CODE.INVALID_ARGUMENT
    assert "which produces no output" in text


def test_a_placeholder_need_not_tell_its_shape(written, tmp_path):
    folder = tmp_path / "toy" / "1"
    servables.copy(written, folder)
    saved = saved_model_pb2.SavedModel.FromString(
        (folder / "saved_model.pb").read_bytes()
    )
    for node in saved.meta_graphs[0].graph_def.node:
        node.attr.pop("_output_shapes", None)
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    with EmbeddedServer(tmp_path) as server:
        assert Stubs(server.port).scale()[0] == 1


def test_other_methods_are_not_there(stubs):
    from tensorflow_serving.apis.classification_pb2 import ClassificationRequest

    code, _ = failure(stubs.classify, ClassificationRequest())
    assert code == CODE.UNIMPLEMENTED


# --- Deadlines and load -------------------------------------------------------


def spin(stubs, n, **options):
    return stubs.predict(request("toy", "spin", n=np.array([n])), **options)


def test_a_deadline_stops_the_run(server, stubs):
    before = stubs.scale()[0]
    code, _ = failure(spin, stubs, AT_LEAST_A_MINUTE, timeout=0.3)
    assert code == CODE.DEADLINE_EXCEEDED
    # Else the model would be in use until the run has ended.
    servable = server._manager._serving["toy"]
    wait_until(lambda: not servable._in_use)
    assert stubs.scale()[0] == before


def test_too_many_calls_are_refused_before_they_begin(written, monkeypatch):
    wanted = request("toy", "scale", x=ONES)
    with EmbeddedServer(written.parents[1], max_threads=2) as server:
        stubs = Stubs(server.port)
        with held(monkeypatch, server_module, "predict") as begun:
            running = [stubs.predict.future(wanted) for _ in range(2)]
            for _ in running:
                assert begun.acquire(timeout=60)
            assert failure(stubs.predict, wanted) == (
                CODE.RESOURCE_EXHAUSTED,
                "Server Threadpool Exhausted",
            )
            # Who asks how the server is gets an answer nevertheless.
            asked = health_pb2.HealthCheckRequest()
            assert stubs.check(asked).status == 1
        for call in running:
            call.result(60)
        stubs.predict(wanted)
    assert begun.acquire(blocking=False)
    assert not begun.acquire(blocking=False)  # the refused one never began


def test_what_breaks_is_internal(stubs, monkeypatch):
    def broken(*args):
        raise KeyError("oh")

    monkeypatch.setattr(server_module, "predict", broken)
    assert failure(stubs.scale) == (CODE.INTERNAL, "KeyError: 'oh'")


# --- What is loaded -----------------------------------------------------------


def status(stubs, model, version=None):
    wanted = get_model_status_pb2.GetModelStatusRequest()
    wanted.model_spec.name = model
    if version:
        wanted.model_spec.version.value = version
    return {
        one.version: (one.state, one.status.error_message)
        for one in stubs.status(wanted).model_version_status
    }


def test_status(stubs):
    assert status(stubs, "toy") == status(stubs, "toy", 1) == {1: (30, "")}
    for args in (("cat",), ("toy", 2)):
        code, text = failure(status, stubs, *args)
        assert code == CODE.NOT_FOUND
        assert "Could not find any versions of model" in text
    code, _ = failure(
        stubs.status, get_model_status_pb2.GetModelStatusRequest()
    )
    assert code == CODE.INVALID_ARGUMENT


def test_metadata(stubs):
    wanted = get_model_metadata_pb2.GetModelMetadataRequest()
    wanted.model_spec.name = "toy"
    assert failure(stubs.metadata, wanted)[0] == CODE.INVALID_ARGUMENT
    wanted.metadata_field.append("signature_def")
    answer = stubs.metadata(wanted)
    assert answer.model_spec.version.value == 1
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def) == {
        *("scale", "spin", "positive", "count", START)
    }
    [x] = signatures.signature_def["scale"].inputs.values()
    assert x.dtype == tf.float32.as_datatype_enum
    wanted.model_spec.name = "cat"
    assert failure(stubs.metadata, wanted)[0] == CODE.NOT_FOUND


def test_health_and_reflection(stubs):
    services = (
        *("", "tensorflow.serving.PredictionService"),
        "tensorflow.serving.ModelService",
    )
    for service in (*services, "PredictionService", "ModelService"):
        wanted = health_pb2.HealthCheckRequest(service=service)
        assert stubs.check(wanted).status == 1
    database = ProtoReflectionDescriptorDatabase(stubs.channel)
    assert {*services[1:], "grpc.health.v1.Health"} <= set(
        database.get_services()
    )
    file = database.FindFileContainingSymbol(services[1])
    assert "Predict" in [m.name for m in file.service[0].method]


def test_a_new_version_takes_over_while_calls_run(written, tmp_path):
    servables.copy(written, tmp_path / "toy" / "1")
    with EmbeddedServer(tmp_path, poll_seconds=0.02) as server:
        stubs = Stubs(server.port)
        under_way = stubs.predict.future(
            request("toy", "spin", n=np.array([300_000]))
        )
        servables.write(tmp_path / "toy" / "2", factor=3)
        wait_until(lambda: stubs.scale()[0] == 2)
        version, y = stubs.scale()
        assert version == 2
        np.testing.assert_array_equal(y, 3 * ONES)
        answer = under_way.result(60)  # it was drained, not cut off
        assert answer.model_spec.version.value == 1
        assert answer.outputs["n"].int64_val[0] == 300_000
        code, _ = failure(stubs.predict, request("toy", "scale", 1, x=ONES))
        assert code == CODE.NOT_FOUND
        wait_until(lambda: status(stubs, "toy")[1] == (50, ""))
        (tmp_path / "toy" / "3").mkdir()  # without a model
        wait_until(lambda: status(stubs, "toy").get(3, (0,))[0] == 50)
        assert "saved_model.pb" in status(stubs, "toy")[3][1]
        assert stubs.scale()[0] == 2


def test_a_failing_warm_up_fails_the_load(written, tmp_path):
    from export.saved_model.warmup import Call, write_calls

    bad = Call("positive", {"x": np.array([-1.0], np.float32)}, {})
    for number, calls in enumerate([[], [bad]], 1):
        folder = tmp_path / "toy" / str(number)
        servables.copy(written, folder)
        file = folder / "assets.extra" / "tf_serving_warmup_requests"
        file.parent.mkdir()
        write_calls(file, calls)
    with EmbeddedServer(tmp_path) as server:
        state, text = status(Stubs(server.port), "toy")[2]
    assert state == 50
    assert "assertion failed" in text
    with EmbeddedServer(tmp_path, warm=False) as server:
        assert Stubs(server.port).scale()[0] == 2


def test_a_warm_up_is_run(written, tmp_path):
    from export.saved_model.warmup import Call, write_calls

    servables.copy(written, tmp_path / "toy" / "1")
    file = tmp_path / "toy/1/assets.extra/tf_serving_warmup_requests"
    file.parent.mkdir()
    write_calls(file, [Call("count", {}, {})] * 3)
    with EmbeddedServer(tmp_path) as server:
        answer = Stubs(server.port).predict(request("toy", "count"))
    assert answer.outputs["calls"].int64_val[0] == 4


# --- Start and stop -----------------------------------------------------------


def test_a_port_has_one_server(server, written):
    with pytest.raises(OSError, match="which is taken"):
        EmbeddedServer(written.parents[1], port=server.port)


def test_a_certificate_that_is_none_is_no_matter_of_the_port(written, server):
    broken = grpc.ssl_server_credentials([(b"x", b"y")])
    with pytest.raises(ValueError, match="a certificate and its key, in PEM"):
        EmbeddedServer(written.parents[1], credentials=broken)
    with pytest.raises(OSError, match="which is taken"):
        EmbeddedServer(written.parents[1], port=server.port, credentials=broken)


def test_there_must_be_a_folder(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        EmbeddedServer(tmp_path / "none")


def not_there(stubs):
    """Whether new calls find no server."""
    try:
        stubs.check(health_pb2.HealthCheckRequest())
    except grpc.RpcError as error:
        return error.code() == CODE.UNAVAILABLE
    return False


def test_stopping_lets_calls_end(written, monkeypatch):
    server = EmbeddedServer(written.parents[1])
    stubs = Stubs(server.port)
    with held(monkeypatch, server_module, "predict") as begun:
        under_way = stubs.predict.future(request("toy", "scale", x=ONES))
        assert begun.acquire(timeout=60)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        wait_until(lambda: not_there(stubs))
    assert under_way.result(60).outputs["y"].float_val
    stopping.join(60)
    assert not stopping.is_alive()


def cpu_seconds(pid):
    """Of the processor, that a process has taken."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, numbers[11:13])) / os.sysconf("SC_CLK_TCK")


def test_the_command_stops_gracefully(written):
    command = [
        *(sys.executable, "-m", "serving.server", "--port=0"),
        f"--model_base_path={written.parents[1]}",
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        found = told(process, r"Listening at localhost:(\d+)")
        stubs = Stubs(int(found[1]))
        assert stubs.scale()[0] == 1
        before = cpu_seconds(process.pid)
        under_way = stubs.predict.future(
            request("toy", "spin", n=np.array([300_000]))
        )
        wait_until(lambda: cpu_seconds(process.pid) > before + 0.1)
        process.send_signal(signal.SIGTERM)
        assert under_way.result(60).outputs["n"].int64_val[0] == 300_000
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.stderr.close()


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("server_key: 'x'", "error: TLS needs a server_key and a server_cert"),
        (
            "server_key: 'x' server_cert: 'y' client_verify: true",
            "error: client_verify needs a custom_ca",
        ),
        (
            "server_key: 'x' server_cert: 'y'",
            "error: the server needs a certificate and its key",
        ),
        ("server_key", "error: "),
    ],
)
def test_the_command_tells_what_is_wrong_with_tls(
    written, tmp_path, config, text
):
    file = tmp_path / "ssl.config"
    file.write_text(config)
    args = f"--model_base_path={written.parents[1]}", "--port=0"
    with pytest.raises(SystemExit, match=text):
        command.COMMAND.run(command.main, [*args, f"--ssl_config_file={file}"])


@pytest.mark.parametrize(
    ("arg", "text"),
    [
        ("--model_base_path=none", r"error: .*No such file"),
        (
            "models",
            r"error: everything .*; received \['models'\]",
        ),
        ("--ssl_config_file=setup.py", r"error: .*No such file"),
    ],
)
def test_the_command_tells_what_is_wrong(arg, text):
    with pytest.raises(SystemExit, match=text):
        command.COMMAND.run(command.main, [arg])


# --- TLS ----------------------------------------------------------------------


def test_mutual_tls_as_the_real_server_is_told(written, tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    key = issued.private_key_pem.bytes()
    certificate = issued.cert_chain_pems[0].bytes()
    ca = authority.cert_pem.bytes()
    paths = []
    for number, pem in enumerate((key, certificate, ca)):
        paths.append(tmp_path / f"{number}.pem")
        paths[-1].write_bytes(pem)
    file = tmp_path / "ssl.config"
    file.write_text(ssl_config(*paths))
    with EmbeddedServer(
        written.parents[1], credentials=server_credentials(file)
    ) as server:
        known = grpc.ssl_channel_credentials(ca, key, certificate)
        assert Stubs(server.port, known).scale()[0] == 1
        for wrong in (grpc.ssl_channel_credentials(ca), None):
            stubs = Stubs(server.port, wrong)
            assert failure(stubs.scale)[0] == CODE.UNAVAILABLE


# --- Anything at all ----------------------------------------------------------

TENSORS = st.builds(
    lambda dtype, sizes, unknown, content, floats, ints, texts: dict(
        dtype=dtype,
        tensor_shape={
            "dim": [{"size": size} for size in sizes],
            "unknown_rank": unknown,
        },
        tensor_content=content,
        float_val=floats,
        int_val=ints,
        string_val=texts,
    ),
    st.sampled_from([1, 1, 1, 3, 9, 7, 0, 2, 8, 21, 120]),
    st.lists(st.sampled_from([-1, 0, 1, 2, 3, 2**40, 2**62]), max_size=3),
    st.sampled_from([False] * 5 + [True]),
    st.binary(max_size=16),
    st.lists(st.floats(width=32), max_size=4),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
    st.lists(st.binary(max_size=3), max_size=2),
)
SIGNATURES = st.sampled_from(["scale", "positive", "count", "", "x"])


@given(
    model=st.sampled_from(["toy", "toy", "toy", "cat", ""]),
    signature=SIGNATURES,
    version=st.sampled_from([None, None, 1, 2, -1, 2**62]),
    tensors=st.dictionaries(st.sampled_from(["x", "y", ""]), TENSORS),
    outputs=st.lists(st.sampled_from(["y", "rows", "z"]), max_size=2),
)
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_fuzzed_requests_get_a_status(
    stubs, model, signature, version, tensors, outputs
):
    wanted = request(model, signature, version)
    for name, fields in tensors.items():
        wanted.inputs[name].CopyFrom(TensorProto(**fields))
    wanted.output_filter.extend(outputs)
    try:
        stubs.predict(wanted, timeout=20)
    except grpc.RpcError as error:
        assert error.code() in (
            CODE.INVALID_ARGUMENT,
            CODE.NOT_FOUND,
            CODE.FAILED_PRECONDITION,
        )
    assert stubs.scale()[0] == 1


@given(st.binary(max_size=200))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_bytes_that_are_no_request_get_a_status(stubs, data):
    send = stubs.channel.unary_unary(
        "/tensorflow.serving.PredictionService/Predict"
    )
    with pytest.raises(grpc.RpcError) as error:
        send(data, timeout=20)
    assert error.value.code() != CODE.DEADLINE_EXCEEDED
    assert stubs.scale()[0] == 1
