"""The client's messages against those that tensorflow-serving-api generates."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
    status_pb2,
)

from sketcher_tf.wire import messages, tensors

GENERATED = {
    message.full_name: message
    for module in (
        tensor_pb2,
        tensor_shape_pb2,
        get_model_status_pb2,
        model_pb2,
        predict_pb2,
        status_pb2,
    )
    for message in module.DESCRIPTOR.message_types_by_name.values()
}
GENERATED["tensorflow.TensorShapeProto.Dim"] = GENERATED[
    "tensorflow.TensorShapeProto"
].nested_types_by_name["Dim"]


def kind_of(field):
    """What decides how a field looks on the wire."""
    enum = field.type == field.TYPE_ENUM
    return (
        field.name,
        field.number,
        field.TYPE_INT32 if enum else field.type,
        field.is_repeated,
        field.is_packed,
        field.message_type and field.message_type.full_name,
    )


CALLS = [
    name
    for name in messages.MESSAGES
    if name.startswith("tensorflow.")
    and not name.endswith(("Config", "Parameters"))
]


@pytest.mark.parametrize("name", CALLS)
def test_the_fields_are_those_of_the_original(name):
    original = GENERATED[name].fields_by_name
    ours = messages.MESSAGES[name].DESCRIPTOR.fields
    assert ours
    for field in ours:
        assert kind_of(field) == kind_of(original[field.name])


def test_the_numbers_are_those_of_the_original():
    for dtype in messages.DataType:
        assert types_pb2.DataType.Value(f"DT_{dtype.name}") == dtype
    states = get_model_status_pb2.ModelVersionStatus.State
    assert dict(states.items()) == {s.name: s.value for s in messages.State}


def test_a_request_is_understood():
    request = messages.PredictRequest()
    request.model_spec.name = "sketcher"
    request.model_spec.signature_name = "generate"
    request.model_spec.version.value = 2**40
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensors.encode(array, request.inputs["condition"])
    read = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert read.model_spec.name == "sketcher"
    assert read.model_spec.signature_name == "generate"
    assert read.model_spec.version.value == 2**40
    np.testing.assert_array_equal(
        tf.make_ndarray(read.inputs["condition"]), array
    )


ARRAYS = st.one_of(
    *(
        hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
        for dtype in ("float32", "int32", "int64", "uint8", "bool")
    ),
    st.lists(st.binary(max_size=4), max_size=4).map(
        lambda texts: np.array(texts, object)
    ),
)


@given(ARRAYS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_arrays_arrive_as_they_were_sent(array, packed):
    sent = tensors.encode(array, packed=packed)
    read = tensor_pb2.TensorProto.FromString(sent.SerializeToString())
    for received in (tensors.decode(sent), tf.make_ndarray(read)):
        assert received.shape == array.shape
        assert received.dtype == array.dtype
        np.testing.assert_array_equal(received, array)


@given(ARRAYS)
@settings(max_examples=60, deadline=None)
def test_what_tensorflow_sends_is_understood(array):
    sent = tf.make_tensor_proto(array)
    received = tensors.decode(
        messages.TensorProto.FromString(sent.SerializeToString())
    )
    assert received.shape == array.shape
    np.testing.assert_array_equal(received, array)


def test_one_value_may_stand_for_all():
    sent = tf.make_tensor_proto(0.5, shape=[2, 3])
    assert len(sent.float_val) == 1
    np.testing.assert_array_equal(tensors.decode(sent), np.full((2, 3), 0.5))


@pytest.mark.parametrize(
    "text",
    [
        "dtype: 1 tensor_shape { dim { size: 4 } } float_val: [1, 2]",
        "dtype: 1 tensor_shape { dim { size: 2 } dim { size: 2 } }",
        "dtype: 3 tensor_shape { dim { size: 3 } } int_val: [7, 8]",
        "dtype: 4 tensor_shape { dim { size: 3 } }",
        "dtype: 10 tensor_shape { dim { size: 3 } } bool_val: true",
        "dtype: 10 tensor_shape { dim { size: 3 } }",
        "dtype: 7 tensor_shape { dim { size: 3 } } string_val: ['a', 'b']",
        "dtype: 7 tensor_shape { dim { size: 3 } }",
        "dtype: 9",
    ],
)
def test_values_left_out_are_filled_in_as_tensorflow_does(text):
    tensor = text_format.Parse(text, tensor_pb2.TensorProto())
    expected = tf.io.parse_tensor(
        tensor.SerializeToString(), tf.as_dtype(tensor.dtype)
    ).numpy()
    received = tensors.decode(tensor)
    np.testing.assert_array_equal(received, expected)
    assert received.dtype == np.asarray(expected).dtype
    assert received.shape == np.shape(expected)


@pytest.mark.parametrize(
    "text",
    [
        "dtype: 2 double_val: 1",
        "dtype: 99",
        "dtype: 1 tensor_shape { dim { size: 2 } } tensor_content: 'abc'",
        "dtype: 1 tensor_shape { dim { size: -1 } } float_val: 1",
        "dtype: 4 tensor_shape { dim { size: 1 } } int_val: 256",
        # Not even one byte of memory may be asked for these.
        "dtype: 1 tensor_shape { dim { size: 999999999999 } } float_val: 1",
        "dtype: 1 tensor_shape { dim { size: 999999999999 } dim { size: 9 } }",
    ],
)
def test_what_is_no_tensor_is_refused(text):
    tensor = text_format.Parse(text, tensor_pb2.TensorProto())
    with pytest.raises(ValueError, match="a tensor"):
        tensors.decode(tensor)


def test_a_value_beyond_its_dtype_is_refused():
    tensor = messages.TensorProto(dtype=4, int_val=[-1])
    with pytest.raises(ValueError, match="out of range"):
        tensors.decode(tensor)


def test_client_and_tensorflow_live_in_one_process():
    """The client first; in this test's own process it comes second."""
    code = """
from sketcher_tf.wire.messages import PredictRequest as ours
from tensorflow_serving.apis.predict_pb2 import PredictRequest as theirs
request = ours()
request.model_spec.name = "cat"
request.model_spec.version.value = 3
read = theirs.FromString(request.SerializeToString())
assert read.model_spec.name == "cat" and read.model_spec.version.value == 3
assert ours.FromString(read.SerializeToString()) == request
assert ours is not theirs
print("both")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert done.stdout == "both\n", done.stderr


def test_the_declared_types_have_the_fields_of_the_messages():
    stub = Path(messages.__file__).with_suffix(".pyi")
    typed = {
        one.name: [
            field.target.id
            for field in one.body
            if isinstance(field, ast.AnnAssign)
        ]
        for one in ast.parse(stub.read_text()).body
        if isinstance(one, ast.ClassDef)
        and ast.unparse(one.bases[0]) == "Message"
    }
    assert typed == {
        name.rpartition(".")[2]: [f.name for f in message.DESCRIPTOR.fields]
        for name, message in messages.MESSAGES.items()
    }
