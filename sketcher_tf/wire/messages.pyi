"""The types of `messages.py`, which makes its classes at run time."""

import enum

from google.protobuf.internal.containers import (
    MessageMap,
    RepeatedCompositeFieldContainer,
    RepeatedScalarFieldContainer,
)
from google.protobuf.message import Message

MESSAGES: dict[str, type[Message]]

class DataType(enum.IntEnum):
    FLOAT = 1
    INT32 = 3
    UINT8 = 4
    STRING = 7
    INT64 = 9
    BOOL = 10

class State(enum.IntEnum):
    UNKNOWN = 0
    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50

class BoolValue(Message):
    value: bool

class Int64Value(Message):
    value: int

class StringValue(Message):
    value: str

class Dim(Message):
    size: int

class TensorShapeProto(Message):
    dim: RepeatedCompositeFieldContainer[Dim]
    unknown_rank: bool

class TensorProto(Message):
    dtype: int
    tensor_shape: TensorShapeProto
    tensor_content: bytes
    float_val: RepeatedScalarFieldContainer[float]
    int_val: RepeatedScalarFieldContainer[int]
    string_val: RepeatedScalarFieldContainer[bytes]
    int64_val: RepeatedScalarFieldContainer[int]
    bool_val: RepeatedScalarFieldContainer[bool]

class ModelSpec(Message):
    name: str
    version: Int64Value
    signature_name: str
    version_label: str

class PredictRequest(Message):
    model_spec: ModelSpec
    inputs: MessageMap[str, TensorProto]

class PredictResponse(Message):
    outputs: MessageMap[str, TensorProto]
    model_spec: ModelSpec

class StatusProto(Message):
    error_code: int
    error_message: str

class GetModelStatusRequest(Message):
    model_spec: ModelSpec

class ModelVersionStatus(Message):
    version: int
    state: int
    status: StatusProto

class GetModelStatusResponse(Message):
    model_version_status: RepeatedCompositeFieldContainer[ModelVersionStatus]

class BatchingParameters(Message):
    max_batch_size: Int64Value
    batch_timeout_micros: Int64Value
    max_enqueued_batches: Int64Value
    num_batch_threads: Int64Value
    thread_pool_name: StringValue
    allowed_batch_sizes: RepeatedScalarFieldContainer[int]
    pad_variable_length_inputs: bool
    enable_large_batch_splitting: BoolValue
    max_execution_batch_size: Int64Value

class SSLConfig(Message):
    server_key: str
    server_cert: str
    custom_ca: str
    client_verify: bool
    def __init__(
        self,
        *,
        server_key: str = "",
        server_cert: str = "",
        custom_ca: str = "",
        client_verify: bool = False,
    ) -> None: ...

class PrometheusConfig(Message):
    enable: bool
    path: str

class MonitoringConfig(Message):
    prometheus_config: PrometheusConfig
