"""The protocol of TensorFlow Serving, without TensorFlow.

The modules that tensorflow-serving-api generates import TensorFlow, which takes
seconds and half a gigabyte. The few messages that a client needs are declared
here instead, with the names and numbers of the originals, in a pool of their
own: so they and TensorFlow's can live in one process, whichever comes first. A
test compares them field by field with the generated ones.
"""

import enum

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto

# Message -> field -> "number type". Enumerations are int32, which looks the
# same on the wire; fields that nobody here reads or writes are left out.
_DECLARED = {
    "google.protobuf.BoolValue": {"value": "1 bool"},
    "google.protobuf.Int64Value": {"value": "1 int64"},
    "google.protobuf.StringValue": {"value": "1 string"},
    "tensorflow.TensorShapeProto": {
        "dim": "2 repeated tensorflow.TensorShapeProto.Dim",
        "unknown_rank": "3 bool",
    },
    "tensorflow.TensorShapeProto.Dim": {"size": "1 int64"},
    "tensorflow.TensorProto": {
        "dtype": "1 int32",
        "tensor_shape": "2 tensorflow.TensorShapeProto",
        "tensor_content": "4 bytes",
        "float_val": "5 repeated float",
        "int_val": "7 repeated int32",
        "string_val": "8 repeated bytes",
        "int64_val": "10 repeated int64",
        "bool_val": "11 repeated bool",
    },
    "tensorflow.serving.ModelSpec": {
        "name": "1 string",
        "version": "2 google.protobuf.Int64Value",
        "signature_name": "3 string",
        "version_label": "4 string",
    },
    "tensorflow.serving.PredictRequest": {
        "model_spec": "1 tensorflow.serving.ModelSpec",
        "inputs": "2 map tensorflow.TensorProto",
    },
    "tensorflow.serving.PredictResponse": {
        "outputs": "1 map tensorflow.TensorProto",
        "model_spec": "2 tensorflow.serving.ModelSpec",
    },
    "tensorflow.serving.StatusProto": {
        "error_code": "1 int32",
        "error_message": "2 string",
    },
    "tensorflow.serving.GetModelStatusRequest": {
        "model_spec": "1 tensorflow.serving.ModelSpec",
    },
    "tensorflow.serving.ModelVersionStatus": {
        "version": "1 int64",
        "state": "2 int32",
        "status": "3 tensorflow.serving.StatusProto",
    },
    "tensorflow.serving.GetModelStatusResponse": {
        "model_version_status": (
            "1 repeated tensorflow.serving.ModelVersionStatus"
        ),
    },
    # The server's configuration files; tensorflow-serving-api has not got them.
    "tensorflow.serving.BatchingParameters": {
        "max_batch_size": "1 google.protobuf.Int64Value",
        "batch_timeout_micros": "2 google.protobuf.Int64Value",
        "max_enqueued_batches": "3 google.protobuf.Int64Value",
        "num_batch_threads": "4 google.protobuf.Int64Value",
        "thread_pool_name": "5 google.protobuf.StringValue",
        "allowed_batch_sizes": "6 repeated int64",
        "pad_variable_length_inputs": "7 bool",
        "enable_large_batch_splitting": "8 google.protobuf.BoolValue",
        "max_execution_batch_size": "9 google.protobuf.Int64Value",
    },
    "tensorflow.serving.SSLConfig": {
        "server_key": "1 string",
        "server_cert": "2 string",
        "custom_ca": "3 string",
        "client_verify": "4 bool",
    },
    "tensorflow.serving.PrometheusConfig": {
        "enable": "1 bool",
        "path": "2 string",
    },
    "tensorflow.serving.MonitoringConfig": {
        "prometheus_config": "1 tensorflow.serving.PrometheusConfig",
    },
}


class DataType(enum.IntEnum):
    """The dtypes of `TensorProto` that the contract uses."""

    FLOAT = 1
    INT32 = 3
    UINT8 = 4
    STRING = 7
    INT64 = 9
    BOOL = 10


class State(enum.IntEnum):
    """Of a version of a model, in `ModelVersionStatus`."""

    UNKNOWN = 0
    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


def _add_field(
    message: descriptor_pb2.DescriptorProto,
    scope: str,
    name: str,
    declared: str,
) -> None:
    number, *repeated, kind = declared.split()
    field = message.field.add(name=name, number=int(number))
    field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    if repeated == ["map"]:
        entry = message.nested_type.add(
            name=f"{name.title().replace('_', '')}Entry"
        )
        entry.options.map_entry = True
        _add_field(entry, scope, "key", "1 string")
        _add_field(entry, scope, "value", f"2 {kind}")
        kind = f"{scope}.{entry.name}"
    if "." in kind:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{kind}"
    else:
        field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")


def _files() -> list[descriptor_pb2.FileDescriptorProto]:
    """What is declared above, a file per package, each after what it needs."""
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    messages: dict[str, descriptor_pb2.DescriptorProto] = {}
    for full_name, fields in _DECLARED.items():
        scope, _, name = full_name.rpartition(".")
        if scope in messages:
            message = messages[scope].nested_type.add(name=name)
        else:
            if scope not in files:
                files[scope] = descriptor_pb2.FileDescriptorProto(
                    name=scope,
                    package=scope,
                    syntax="proto3",
                    dependency=list(files),
                )
            message = files[scope].message_type.add(name=name)
        messages[full_name] = message
        for field, declared in fields.items():
            _add_field(message, full_name, field, declared)
    return list(files.values())


_POOL = descriptor_pool.DescriptorPool()
for _file in _files():
    _POOL.Add(_file)
MESSAGES = {
    name: message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))
    for name in _DECLARED
}

TensorProto = MESSAGES["tensorflow.TensorProto"]
ModelSpec = MESSAGES["tensorflow.serving.ModelSpec"]
PredictRequest = MESSAGES["tensorflow.serving.PredictRequest"]
PredictResponse = MESSAGES["tensorflow.serving.PredictResponse"]
GetModelStatusRequest = MESSAGES["tensorflow.serving.GetModelStatusRequest"]
GetModelStatusResponse = MESSAGES["tensorflow.serving.GetModelStatusResponse"]
BatchingParameters = MESSAGES["tensorflow.serving.BatchingParameters"]
SSLConfig = MESSAGES["tensorflow.serving.SSLConfig"]
MonitoringConfig = MESSAGES["tensorflow.serving.MonitoringConfig"]
