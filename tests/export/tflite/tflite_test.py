"""A .tflite file draws what its model draws, and says so when it does not."""

import dataclasses
import json
import re

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as flatbuffers
from ai_edge_litert.tools import flatbuffer_utils

from export.tflite import QUANTIZATIONS, convert, export
from export.tflite import verify as verification
from export.tflite.graph import unflatten
from export.tflite.metadata import (
    operations,
    read_metadata,
    tensor_table,
    weights,
    with_metadata,
)
from export.tflite.runtime import PhoneSketcher
from export.tflite.verify import difference, verify
from sketcher_tf.model import sampling
from sketcher_tf.model.mixture import split_params
from sketcher_tf.model.sampling import CANDIDATES
from sketcher_tf.schema import Factor
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch
from tests.testing import toys
from tests.testing.exports import OTHER, make_model
from tests.testing.source_imports import ROOT

_BASELINE = (
    dataclasses.replace(
        toys.CONFIG,
        model=dataclasses.replace(
            toys.MODEL, rnn="layer_norm", influence="none", conditional=False
        ),
    ),
    toys.SCHEMA,
)


@pytest.fixture(scope="module")
def files(sketcher, converted):
    return {
        quantize: convert.finish(converted, sketcher.model, quantize)
        for quantize in QUANTIZATIONS
    }


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    folder = toys.prepare(tmp_path_factory.mktemp("toys"), train=4, test=6)
    return folder


@pytest.fixture(scope="module")
def batches(drawings, sketcher):
    return export.real_drawings(str(drawings), sketcher.schema)


def changed(content, shape, change):
    """The file with all constants of that shape changed in place."""
    model = flatbuffer_utils.read_model_from_bytearray(content)
    dtypes = {
        flatbuffers.TensorType.FLOAT32: np.float32,
        flatbuffers.TensorType.FLOAT16: np.float16,
        flatbuffers.TensorType.INT8: np.int8,
    }
    found = {
        tensor.buffer: dtypes[tensor.type]
        for graph in model.subgraphs
        for tensor in graph.tensors
        if tuple(tensor.shape) == shape
        and model.buffers[tensor.buffer].data is not None
    }
    assert found, f"no constants of shape {shape}"
    for number, dtype in found.items():
        buffer = model.buffers[number]
        values = np.frombuffer(bytes(buffer.data), dtype).copy()
        buffer.data = change(values).astype(dtype).view(np.uint8)
    for buffer in model.buffers:
        if buffer.data is not None:
            buffer.data = np.frombuffer(bytes(buffer.data), np.uint8)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


_HEAD = (6 * toys.MODEL.num_mixtures + 3, toys.MODEL.decoder_units)
_RECURRENT = (4 * toys.MODEL.decoder_units, toys.MODEL.decoder_units)


# --- The same sketches ------------------------------------------------------


def test_the_same_seeds_draw_the_same_sketches(sketcher, files):
    report = verify(files["none"], sketcher, [])
    assert report.sketches == 12
    assert report.difference < verification.POINT_TOLERANCE


def test_whatever_the_model_is_made_of(other):
    sketcher = Sketcher(make_model(*OTHER))
    content = other.read_bytes()
    assert verify(content, sketcher, []).sketches == 18
    phone = PhoneSketcher(content)
    assert not phone.encodes and not phone.recognizes


def test_a_model_without_extensions():
    sketcher = Sketcher(make_model(*_BASELINE))
    content = convert.convert(sketcher.model)
    content = convert.finish(content, sketcher.model, "none")
    assert verify(content, sketcher, []).sketches == 12
    phone = PhoneSketcher(content)
    assert phone.encodes and not phone.recognizes


def test_a_changed_weight_is_told(sketcher, files):
    bad = changed(files["none"], _RECURRENT, lambda w: w + 1e-2)
    with pytest.raises(ValueError, match="must draw as its model does"):
        verify(bad, sketcher, [])


def test_the_noise_is_the_noise_of_python(sketcher, files):
    seed = np.array([[7, 3]], np.int32)
    noise = PhoneSketcher(files["none"]).run("noise", seed=seed)
    wanted = sampling.draw_noise(sketcher.model, tf.constant(seed))
    assert np.array_equal(noise["component"], wanted.component)
    assert np.array_equal(noise["pen"], wanted.pen)
    np.testing.assert_allclose(noise["offset"], wanted.offset, atol=5e-5)


def test_a_prefix_may_be_empty_or_as_long_as_a_drawing(sketcher, files):
    phone = PhoneSketcher(files["none"])
    points = np.tile(np.float32([5, 2, 0]), (toys.SCHEMA.max_seq_len, 1))
    condition = toys.SCHEMA.parse("ring")
    for stroke3 in (points[:0], points[:1], points):
        how = {"temperature": 0.5, "seed": 4}
        given = Sketch(stroke3, "ring")
        (wanted,) = sketcher.complete(given, tries=1, **how)
        drawn = phone.complete(given, condition, **how)
        assert difference(drawn, wanted) < verification.POINT_TOLERANCE


def test_the_params_of_a_step_are_what_is_drawn_from():
    raw = np.random.default_rng(0).normal(size=(5, 27)).astype(np.float32)
    params = split_params(tf.constant(raw), 0.01)
    rows = np.concatenate(
        [field.numpy().reshape(5, -1) for field in params], axis=1
    )
    for found, wanted in zip(unflatten(rows), params, strict=True):
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize(
    ("points", "wanted"),
    [
        ([[0, 0, 1], [10, 0, 1]], 0.0),
        ([[0, 0, 1], [10.5, 0, 1]], 0.05),
        ([[0, 0, 0], [10, 0, 1]], np.inf),
        ([[0, 0, 1]], np.inf),
    ],
)
def test_difference_is_a_share_of_the_drawing(points, wanted):
    of = Sketch(np.float32([[0, 0, 1], [10, 0, 1]]))
    assert difference(Sketch(np.float32(points)), of) == pytest.approx(wanted)
    cut_off = Sketch(np.float32(points), finished=False)
    assert difference(cut_off, of) == np.inf


# --- Quantised --------------------------------------------------------------


@pytest.mark.parametrize("quantize", ["float16", "int8"])
def test_quantised_files_predict_nearly_as_well(
    sketcher, files, batches, quantize
):
    report = verify(files[quantize], sketcher, batches)
    assert report.drawings == len(batches) == 6
    assert abs(report.rise) <= verification.LOSS_TOLERANCE[quantize]
    assert report.rise != 0


@pytest.mark.parametrize("quantize", ["float16", "int8"])
def test_a_quantised_file_that_predicts_worse_is_told(
    sketcher, files, batches, quantize
):
    bad = changed(files[quantize], _RECURRENT, lambda w: -w)
    with pytest.raises(
        verification.LossError, match=rf"may rise by .*{quantize}"
    ):
        verify(bad, sketcher, batches)


def test_the_loss_is_that_of_the_model(sketcher, files, batches):
    report = verify(files["none"], sketcher, batches)
    model = sketcher.model
    nats, points = 0.0, 0
    for batch in batches:
        latents = model.encode(batch).mean
        steps = sampling.log_prob(model, batch.points, batch.condition, latents)
        nats -= float(tf.reduce_sum(steps))
        points += int(tf.reduce_sum(1 - batch.points[..., 4]))
    assert report.loss == pytest.approx(nats / points, rel=1e-5)
    assert abs(report.rise) < 1e-5


def test_a_quantised_file_needs_drawings(sketcher, files):
    with pytest.raises(ValueError, match=r"received none\. Name some with"):
        verify(files["int8"], sketcher, [])


def test_int8_keeps_the_mixture_head_in_float(files):
    assert weights(files["none"])[_RECURRENT] == {"float32"}
    assert weights(files["float16"])[_RECURRENT] == {"float16"}
    assert weights(files["int8"])[_RECURRENT] == {"int8"}
    assert weights(files["int8"])[_HEAD] == {"float32"}


# --- The file ---------------------------------------------------------------


def test_every_operation_is_built_in(files):
    for content in files.values():
        assert not any(map(verification._is_foreign, operations(content)))


def test_a_file_with_variables_is_told(sketcher):
    module = tf.Module()
    module.total = tf.Variable(tf.zeros([2]))
    module.add = tf.function(
        lambda x: {"y": module.total.assign_add(x)},
        [tf.TensorSpec([2], name="x")],
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.add.get_concrete_function()], module
    )
    converter.experimental_enable_resource_variables = True
    content = with_metadata(converter.convert(), {"quantization": "none"})
    with pytest.raises(ValueError, match=r"built in.*READ_VARIABLE"):
        verify(content, sketcher, [])


def test_a_constant_output_is_told(sketcher):
    module = tf.Module()
    module.start = tf.function(
        lambda x: {"y": x + 1, "point": tf.constant([1.0, 2.0])},
        [tf.TensorSpec([2], name="x")],
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.start.get_concrete_function()], module
    )
    content = with_metadata(converter.convert(), {"quantization": "none"})
    with pytest.raises(ValueError, match="received constants in"):
        verify(content, sketcher, [])


def test_metadata_tell_what_an_app_needs(files):
    for quantize, content in files.items():
        assert read_metadata(content) == {
            "version": convert.VERSION,
            "factors": [{"name": "category", "values": ["ring", "zigzag"]}],
            "scale_factor": 20.0,
            "max_seq_len": 12,
            "candidates": CANDIDATES,
            "quantization": quantize,
            "enough": pytest.approx(np.log([0.6, 0.7]), abs=1e-4),
        }


def test_a_file_without_metadata_is_told(converted):
    with pytest.raises(ValueError, match="received a file without"):
        PhoneSketcher(converted)


def test_the_table_has_every_tensor_as_litert_sees_it(files):
    table = tensor_table(files["none"])
    interpreter = PhoneSketcher(files["none"])._interpreter
    rows = []
    for name in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(name)
        for way, details in (
            ("in", runner.get_input_details()),
            ("out", runner.get_output_details()),
        ):
            rows += [
                f"| `{name}` | {way} | `{tensor}` | "
                f"{np.dtype(of['dtype']).name} | {of['shape'].tolist()} |"
                for tensor, of in details.items()
            ]
    assert sorted(table.splitlines()[2:]) == sorted(rows)


def test_the_guide_has_this_table_at_other_sizes(files):
    guide = (ROOT / "docs" / "phone.md").read_text()

    def rows(text):
        cells = [line.split(" | ") for line in text.splitlines()]
        return {
            (*row[:4], row[4].count(","))
            for row in cells
            if len(row) == 5 and row[1] in ("in", "out")
        }

    assert rows(tensor_table(files["none"])) == rows(guide)
    names = set(re.findall(r"`(\w+)`", tensor_table(files["none"])))
    for language in ("kotlin", "swift"):
        (code,) = re.findall(rf"```{language}\n(.*?)```", guide, re.S)
        used = set(re.findall(r'"(\w+)"', code))
        assert len(used) > 15
        assert used <= names


# --- The command ------------------------------------------------------------


def test_export_writes_what_it_has_verified(
    sketcher, converted, tmp_path, monkeypatch
):
    monkeypatch.setattr(convert, "convert", lambda *_: converted)
    output = tmp_path / "new" / "toy.tflite"
    report = export.export(sketcher, output)
    assert report.sketches == 12
    phone = PhoneSketcher.load(output)
    for tau in (0.0, 0.7):  # the likeliest points, and drawn ones
        (wanted,) = sketcher.generate("ring", temperature=tau, seed=9, tries=1)
        drawn = phone.generate(toys.SCHEMA.parse("ring"), tau, 9)
        assert difference(drawn, wanted) < verification.POINT_TOLERANCE
    described = output.with_suffix(".md").read_text()
    assert tensor_table(output.read_bytes()) in described
    assert '"scale_factor": 20.0' in described


def test_export_leaves_the_old_file_if_the_new_one_is_bad(
    sketcher, converted, tmp_path, monkeypatch
):
    bad = changed(converted, _HEAD, lambda w: w * 1.1)
    monkeypatch.setattr(convert, "convert", lambda *_: bad)
    output = tmp_path / "toy.tflite"
    output.write_bytes(b"old")
    with pytest.raises(ValueError, match="must draw as its model does"):
        export.export(sketcher, output)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_drawings_are_the_named_or_the_runs_or_the_models_own(
    drawings, sketcher, batches, tmp_path
):
    def chosen(file, data=None):
        found = export.drawings_for(sketcher, file, data)
        return [batch.points.numpy().tobytes() for batch in found]

    named = [batch.points.numpy().tobytes() for batch in batches]
    file = tmp_path / "model.keras"
    assert chosen(file, str(drawings)) == named
    own = chosen(file)
    assert len(set(own)) > 10
    assert not set(own) & set(named)
    # A run has the manifest of its data.
    manifest = json.loads((drawings / "schema.json").read_text())
    manifest["sources"] = [str(drawings)]
    (tmp_path / "schema.json").write_text(json.dumps(manifest))
    assert chosen(file) == named


def test_drawings_of_another_scale_are_rescaled(drawings):
    from sketcher_tf.data.manifest import read_manifest

    own = read_manifest(drawings).schema
    double = dataclasses.replace(own, scale_factor=2 * own.scale_factor)
    (one, *_), (other, *_) = (
        export.real_drawings(str(drawings), schema) for schema in (own, double)
    )
    np.testing.assert_allclose(one.points[..., :2], 2 * other.points[..., :2])
    assert np.array_equal(one.points[..., 2:], other.points[..., 2:])


def test_drawings_of_other_categories_are_told(drawings):
    schema = dataclasses.replace(
        toys.SCHEMA, factors=(Factor("category", ("ring", "disc")),)
    )
    with pytest.raises(ValueError, match="must have the model's categories"):
        export.real_drawings(str(drawings), schema)


def test_longer_drawings_than_the_model_knows_are_left_out(drawings):
    short = dataclasses.replace(toys.SCHEMA, max_seq_len=7)
    found = export.real_drawings(str(drawings), short)
    counts = [int(tf.reduce_sum(1 - b.points[..., 4])) for b in found]
    assert 0 < len(counts) < 6
    assert max(counts) <= 7
