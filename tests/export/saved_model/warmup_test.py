import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from export.saved_model.warmup import (
    Call,
    read_calls,
    warmup_calls,
    warmup_file,
    write_calls,
)
from sketcher_tf import contract

SIZES = {"T": 13, "C": 3, "Z": 4, "S": 16}


def test_calls_come_back(tmp_path):
    calls = [
        Call("step", {"a": np.int64(3), "b": np.float32([[1.5, -0.0]])}, {}),
        Call(
            "stats",
            {},
            {"text": np.array([b"x"], object), "yes": np.bool_(True)},
        ),
    ]
    write_calls(tmp_path / "new" / "calls", calls)
    read = list(read_calls(tmp_path / "new" / "calls"))
    assert [call.signature for call in read] == ["step", "stats"]
    for call, other in zip(calls, read, strict=True):
        for one, two in ((call.inputs, other.inputs), (call[2], other[2])):
            assert one.keys() == two.keys()
            for name, value in one.items():
                assert two[name].dtype == value.dtype
                assert two[name].tolist() == value.tolist()


@pytest.mark.parametrize("servable", contract.SERVABLES, ids=lambda s: s.name)
def test_a_call_is_of_the_contracts_dtypes_and_shapes(servable):
    for call in warmup_calls(servable, SIZES):
        signature = servable.served[call.signature]
        assert list(call.inputs) == [x.name for x in signature.inputs]
        for tensor in signature.inputs:
            value = call.inputs[tensor.name]
            assert value.dtype == tensor.dtype
            expected = tensor.shape_for(SIZES)
            assert len(value.shape) == len(expected)
            for size, known in zip(value.shape, expected, strict=True):
                assert known in (None, size)


def test_every_pure_signature_is_warmed_up_and_no_other():
    names = [call.signature for call in warmup_calls(contract.SKETCHER, SIZES)]
    assert sorted(names) == sorted(contract.SKETCHER.served)
    calls = warmup_calls(contract.SKETCHER_SESSION, SIZES)
    assert {call.signature for call in calls} == {"stats", "labels"}


@pytest.mark.parametrize("servable", contract.SERVABLES, ids=lambda s: s.name)
def test_the_server_finds_the_records(published, servable):
    folder = published / servable.name / "1"
    file = folder / "assets.extra" / "tf_serving_warmup_requests"
    assert file == warmup_file(folder)
    records = list(tf.data.TFRecordDataset(str(file)).as_numpy_iterator())
    assert 0 < len(records) <= 1000
    for record in records:
        log = PredictionLog.FromString(record)
        assert log.WhichOneof("log_type") == "predict_log"
        name = log.predict_log.request.model_spec.signature_name
        assert name in servable.served
