"""What a .tflite file says of itself: metadata, tensors, operations.

The metadata are JSON in the file's own metadata table, under `sketcher`, so
that every reader of the format finds them without running the model.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

_NAME = "sketcher"
_TYPES = {
    number: name.lower()
    for name, number in vars(schema.TensorType).items()
    if not name.startswith("_")
}
_OPERATIONS = {
    number: name
    for name, number in vars(schema.BuiltinOperator).items()
    if not name.startswith("_")
}


def with_metadata(content: bytes, metadata: Mapping[str, Any]) -> bytes:
    """The file with `metadata` in it.

    Weights that stand behind the FlatBuffer are moved into it: not every
    runtime on a phone looks for them there.
    """
    model = flatbuffer_utils.read_model_from_bytearray(content)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = json.dumps(metadata, sort_keys=True).encode()
    entry.name, entry.buffer = _NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    for buffer in model.buffers:
        if buffer.data is not None:  # written at once, not byte by byte
            buffer.data = np.frombuffer(buffer.data, np.uint8)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def read_metadata(content: bytes) -> dict[str, Any]:
    """The metadata of a file that this project exported.

    Raises:
        ValueError: it has none.
    """
    model = schema.Model.GetRootAs(content)
    for i in range(model.MetadataLength()):
        entry = model.Metadata(i)
        if entry.Name() == _NAME.encode():
            return json.loads(
                model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
            )
    raise ValueError(
        "a model for phones must have the metadata that its exporter writes; "
        "received a file without. Export it with `sketcher export tflite`."
    )


def operations(content: bytes) -> set[str]:
    """The operations that the file needs; custom ones by their own name."""
    model = schema.Model.GetRootAs(content)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    return {
        (code.CustomCode() or b"").decode()
        or _OPERATIONS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        for code in codes
    }


def constant_outputs(content: bytes) -> list[str]:
    """Outputs that are constants, as signature/name."""
    model = schema.Model.GetRootAs(content)
    found = []
    for i in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(i)
        graph = model.Subgraphs(signature.SubgraphIndex())
        for k in range(signature.OutputsLength()):
            entry = signature.Outputs(k)
            tensor = graph.Tensors(entry.TensorIndex())
            if model.Buffers(tensor.Buffer()).DataLength() > 0:
                key = signature.SignatureKey().decode()
                found.append(f"{key}/{entry.Name().decode()}")
    return found


def weights(content: bytes) -> dict[tuple[int, ...], set[str]]:
    """The types of all constant matrices, by their shape."""
    model = schema.Model.GetRootAs(content)
    found: dict[tuple[int, ...], set[str]] = {}
    for i in range(model.SubgraphsLength()):
        graph = model.Subgraphs(i)
        for k in range(graph.TensorsLength()):
            tensor = graph.Tensors(k)
            constant = model.Buffers(tensor.Buffer()).DataLength() > 0
            if constant and tensor.ShapeLength() == 2:
                shape = tuple(tensor.ShapeAsNumpy().tolist())
                found.setdefault(shape, set()).add(_TYPES[tensor.Type()])
    return found


def describe(content: bytes) -> str:
    """What an app has to know of the file, as Markdown."""
    metadata = json.dumps(read_metadata(content), indent=2, sort_keys=True)
    return f"{tensor_table(content)}\n```json\n{metadata}\n```\n"


def tensor_table(content: bytes) -> str:
    """Every input and output of every signature, as a Markdown table."""
    rows = [
        f"| `{signature}` | {way} | `{name}` | {dtype} | {list(shape)} |"
        for signature, way, name, dtype, shape in _tensors(content)
    ]
    head = ["| signature | | tensor | type | shape |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def _tensors(
    content: bytes,
) -> Iterator[tuple[str, str, str, str, tuple[int, ...]]]:
    model = schema.Model.GetRootAs(content)
    for i in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(i)
        graph = model.Subgraphs(signature.SubgraphIndex())
        for way, count, get in (
            ("in", signature.InputsLength(), signature.Inputs),
            ("out", signature.OutputsLength(), signature.Outputs),
        ):
            for entry in sorted(map(get, range(count)), key=lambda e: e.Name()):
                tensor = graph.Tensors(entry.TensorIndex())
                yield (
                    signature.SignatureKey().decode(),
                    way,
                    entry.Name().decode(),
                    _TYPES[tensor.Type()],
                    tuple(tensor.ShapeAsNumpy().tolist()),
                )
