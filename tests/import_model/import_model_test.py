"""Published Sketch-RNNs, imported, predict what their equations say."""

import base64
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.data.formats.placement import longest_side
from sketcher_tf.import_model.convert import convert, fitting_scale
from sketcher_tf.import_model.published import read_published
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.strokes import START_TOKEN
from tests.testing.source_imports import ROOT

UNITS, HYPER, SIGNAL, LATENT, MIXTURES = 6, 256, 32, 3, 4
CELLS = {
    "lstm": "LSTMCell",
    "layer_norm": "LayerNormLSTMCell",
    "hyper": "HyperLSTMCell",
}


# ----- the published equations, in NumPy


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normalised(x, gamma, beta):
    mean = x.mean(axis=-1, keepdims=True)
    return (
        gamma
        * (x - mean)
        / np.sqrt(((x - mean) ** 2).mean(axis=-1, keepdims=True) + 1e-3)
        + beta
    )


def lstm_cell(w, x, state):
    h, c = state
    gates = x @ w["W_xh"] + h @ w["W_hh"] + w["bias"]
    i, j, f, o = np.split(gates, 4, axis=-1)
    c = c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
    return np.tanh(c) * sigmoid(o), c


def after_norm(w, gates, c):
    units = c.shape[-1]
    parts = gates.reshape(*gates.shape[:-1], 4, units)
    gamma, beta = (
        w[f"ln_all/ln_{k}"].reshape(4, units) for k in ("gamma", "beta")
    )
    i, j, f, o = np.moveaxis(normalised(parts, gamma, beta), -2, 0)
    c = c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
    memory = normalised(c, w["ln_c/ln_gamma"], w["ln_c/ln_beta"])
    return np.tanh(memory) * sigmoid(o), c


def layer_norm_cell(w, x, state):
    h, c = state
    return after_norm(w, x @ w["W_xh"] + h @ w["W_hh"], c)


def below(w, scope):
    return {
        name.removeprefix(scope): array
        for name, array in w.items()
        if name.startswith(scope)
    }


def hyper_cell(w, x, state):
    h, c, small_h, small_c = state
    small_h, small_c = layer_norm_cell(
        below(w, "LayerNormLSTMCell/"),
        np.concatenate([x, h], axis=-1),
        (small_h, small_c),
    )

    def rescaled(values, scope, shifted):
        one = below(w, f"hyper_{scope}/")
        z = small_h @ one["zw/super_linear_w"] + one["zw/super_linear_b"]
        values = values * (z @ one["alpha/super_linear_w"])
        if shifted:
            z = small_h @ one["zb/super_linear_w"]
            values = values + z @ one["beta/super_linear_w"]
        return values

    inputs = np.split(x @ w["W_xh"], 4, axis=-1)
    states = np.split(h @ w["W_hh"], 4, axis=-1)
    gates = [
        rescaled(a, f"{gate}x", False) + rescaled(b, f"{gate}h", True) + bias
        for gate, a, b, bias in zip(
            "ijfo", inputs, states, np.split(w["bias"], 4), strict=True
        )
    ]
    return *after_norm(w, np.concatenate(gates, axis=-1), c), small_h, small_c


STEPS = {"lstm": lstm_cell, "layer_norm": layer_norm_cell, "hyper": hyper_cell}


def outputs_of(kind, w, points, z, state):
    """Raw outputs [T, 6M + 3] for the points before each, [T, 5]."""
    cell = below(w, f"RNN/{CELLS[kind]}/")
    rows = []
    for point in points:
        x = np.concatenate([point, z])
        state = STEPS[kind](cell, x, state)
        rows.append(state[0] @ w["RNN/output_w"] + w["RNN/output_b"])
    return np.array(rows)


def params_of(raw):
    """pi, mu_x, mu_y, sigma_x, sigma_y, rho, pen; rho within our bound."""
    pen, rest = raw[:, :3], raw[:, 3:]
    pi, x, y, log_x, log_y, rho = np.split(rest, 6, axis=-1)
    return {
        "mixture_logits": pi,
        "loc": np.stack([x, y], axis=-1),
        "scale": np.exp(np.stack([log_x, log_y], axis=-1)),
        "correlation": np.tanh(rho) * 0.999,
        "pen_logits": pen,
    }


# ----- models with random weights


def cell_weights(rng, kind, units, width):
    def normal(*shape):
        return rng.normal(scale=0.3, size=shape).astype(np.float32)

    w = {"W_xh": normal(width, 4 * units), "W_hh": normal(units, 4 * units)}
    if kind != "layer_norm":
        w["bias"] = normal(4 * units)
    if kind != "lstm":
        for name, size in (("ln_all", 4 * units), ("ln_c", units)):
            w[f"{name}/ln_gamma"] = 1 + normal(size)
            w[f"{name}/ln_beta"] = normal(size)
    if kind == "hyper":
        small = cell_weights(rng, "layer_norm", HYPER, width + units)
        w |= {f"LayerNormLSTMCell/{k}": v for k, v in small.items()}
        for gate in "ijfo":
            for side in "xh":
                scope = f"hyper_{gate}{side}"
                w[f"{scope}/zw/super_linear_w"] = normal(HYPER, SIGNAL)
                w[f"{scope}/zw/super_linear_b"] = 1 + normal(SIGNAL)
                w[f"{scope}/alpha/super_linear_w"] = normal(SIGNAL, units)
                if side == "h":
                    w[f"{scope}/zb/super_linear_w"] = normal(HYPER, SIGNAL)
                    w[f"{scope}/beta/super_linear_w"] = normal(SIGNAL, units)
    return w


def state_size(kind):
    return 2 * UNITS + 2 * HYPER * (kind == "hyper")


def weights_of(kind, encoder, conditional):
    rng = np.random.default_rng(7)

    def normal(*shape):
        return rng.normal(scale=0.3, size=shape).astype(np.float32)

    width = 5 + LATENT * conditional
    cell = cell_weights(rng, kind, UNITS, width)
    w = {f"RNN/{CELLS[kind]}/{k}": v for k, v in cell.items()}
    w["RNN/output_w"] = normal(UNITS, 6 * MIXTURES + 3)
    w["RNN/output_b"] = normal(6 * MIXTURES + 3)
    if conditional:
        for side in ("fw", "bw"):
            cell = cell_weights(rng, encoder, UNITS, 5)
            scope = f"ENC_RNN/{side}/{CELLS[encoder]}"
            w |= {f"{scope}/{k}": v for k, v in cell.items()}
        for name in ("mu", "sigma"):
            w[f"ENC_RNN_{name}/super_linear_w"] = normal(2 * UNITS, LATENT)
            w[f"ENC_RNN_{name}/super_linear_b"] = normal(LATENT)
        w["linear/super_linear_w"] = normal(LATENT, state_size(kind))
        w["linear/super_linear_b"] = normal(state_size(kind))
    return w


def save_checkpoint(folder, w, kind, encoder, conditional):
    names = [f"vector_rnn/{name}" for name in w]
    tf.raw_ops.SaveV2(
        prefix=str(folder / "part"),
        tensor_names=[*names, f"{names[0]}/Adam"],
        shape_and_slices=[""] * (len(w) + 1),
        tensors=[*w.values(), np.zeros(3, np.float32)],
    )
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(folder / "part")],
        destination_prefix=str(folder / "vector"),
    )
    settings = {
        "data_set": ["owl.full.npz"],
        "max_seq_len": 40,
        "dec_rnn_size": UNITS,
        "dec_model": kind,
        "enc_rnn_size": UNITS,
        "enc_model": encoder,
        "z_size": LATENT,
        "num_mixture": MIXTURES,
        "conditional": conditional,
    }
    (folder / "model_config.json").write_text(json.dumps(settings))


def drawing(count=12):
    rng = np.random.default_rng(1)
    points = np.zeros((count, 5), np.float32)
    points[:, :2] = rng.normal(size=(count, 2))
    points[np.arange(count), 2 + (np.arange(count) % 4 == 3)] = 1
    return points


def first_state(kind, w, z):
    flat = np.tanh(z @ w["linear/super_linear_w"] + w["linear/super_linear_b"])
    if kind == "hyper":
        h, small_h, c, small_c = np.split(
            flat, np.cumsum([UNITS, HYPER, UNITS])
        )
        return h, c, small_h, small_c
    one, other = np.split(flat, 2)
    return (other, one) if kind == "lstm" else (one, other)


def check_predictions(model, kind, w, z, state):
    points = drawing()
    before = np.concatenate([START_TOKEN[None], points[:-1]])
    expected = params_of(outputs_of(kind, w, before, z, state))
    latents = z if len(z) else np.zeros(1)
    found = model.teacher_forced(
        points[None], np.ones((1, 1), np.float32), latents[None].astype("f4")
    )
    for name, value in expected.items():
        np.testing.assert_allclose(
            getattr(found, name)[0], value, rtol=1e-5, atol=1e-5, err_msg=name
        )


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize(
    ("kind", "encoder"),
    [("lstm", "lstm"), ("layer_norm", "lstm"), ("hyper", "layer_norm")],
)
def test_a_checkpoint_predicts_what_its_equations_say(
    tmp_path, kind, encoder, conditional
):
    w = weights_of(kind, encoder, conditional)
    save_checkpoint(tmp_path, w, kind, encoder, conditional)
    model = convert(read_published(str(tmp_path)), 30.0)
    assert model.schema.words == ("owl",)
    if not conditional:
        sizes = [UNITS, UNITS, *[HYPER, HYPER] * (kind == "hyper")]
        state = tuple(np.zeros(n) for n in sizes)
        check_predictions(model, kind, w, np.zeros(0), state)
        return
    z = np.random.default_rng(3).normal(size=LATENT)
    check_predictions(model, kind, w, z, first_state(kind, w, z))
    points = drawing()
    padded = np.concatenate([points, np.tile([[0, 0, 0, 0, 1]], (3, 1))])
    found = model.encoder(padded[None].astype("f4"), np.zeros((1, 0), "f4"))
    ends = []
    for side, rows in (("fw", points), ("bw", points[::-1])):
        cell = below(w, f"ENC_RNN/{side}/{CELLS[encoder]}/")
        state = np.zeros(UNITS), np.zeros(UNITS)
        for row in rows:
            state = STEPS[encoder](cell, row, state)
        ends.append(state[0])
    for name, value in (("mu", found.mean), ("sigma", found.log_var)):
        scope = f"ENC_RNN_{name}/super_linear"
        expected = np.concatenate(ends) @ w[f"{scope}_w"] + w[f"{scope}_b"]
        np.testing.assert_allclose(value[0], expected, atol=1e-5)


def javascript(units=8, mixtures=20):
    rng = np.random.default_rng(5)
    shapes = [
        [units, 6 * mixtures + 3],
        [6 * mixtures + 3],
        [5, 4 * units],
        [units, 4 * units],
        [4 * units],
    ]
    arrays = [rng.integers(-2000, 2000, shape, "<i2") for shape in shapes]
    texts = [base64.b64encode(array.tobytes()).decode() for array in arrays]
    info = {"name": "bird", "max_seq_len": 50, "scale_factor": 70.0, "mode": 2}
    names = ("RNN/output_w", "RNN/output_b", "W_xh", "W_hh", "bias")
    w = {
        name if "/" in name else f"RNN/LSTMCell/{name}": array * 10 / 32767
        for name, array in zip(names, arrays, strict=True)
    }
    return json.dumps([info, shapes, texts]), w


def test_a_decoder_for_javascript_predicts_what_its_equations_say(tmp_path):
    text, w = javascript()
    path = tmp_path / "bird.gen.json"
    path.write_text(text)
    published = read_published(str(path))
    model = convert(published, 35.0)
    state = np.zeros(8), np.zeros(8)
    check_predictions(model, "lstm", w, np.zeros(0), state)


def test_published_decoders_are_read(shared_data):
    path = shared_data / "sketchrnn-js" / "bird.gen.json"
    published = read_published(str(path))
    scale = fitting_scale(published)
    model = convert(published, scale)
    w = {
        name.replace("RNN/", "RNN/LSTMCell/")
        if "output" not in name
        else name: np.asarray(array, np.float64)
        for name, array in published.weights.items()
    }
    state = np.zeros(512), np.zeros(512)
    check_predictions(model, "lstm", w, np.zeros(0), state)
    drawn = Sketcher(model).generate(published.name, 32, seed=5)
    sides = [longest_side(np.concatenate(one.polylines)) for one in drawn]
    np.testing.assert_allclose(np.median(sides), 255, rtol=0.15)


def test_the_command_makes_an_ordinary_model(tmp_path):
    path = tmp_path / "bird.gen.json"
    path.write_text(javascript()[0])
    command = [sys.executable, "-m", "sketcher_tf.import_model", str(path)]
    done = subprocess.run(
        [*command, f"--output={tmp_path / 'bird'}", "--scale_factor=30"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sketcher = Sketcher.load(tmp_path / "bird")
    assert sketcher.schema.scale_factor == 30
    one, _ = sketcher.generate("bird", 2, seed=3)
    assert one.category == "bird"
    assert sketcher.complete(one, "bird", 1)[0].stroke3.shape[1] == 3


def test_zips_are_read_and_other_files_named(tmp_path):
    folder = tmp_path / "sheep"
    folder.mkdir()
    w = weights_of("lstm", "lstm", False)
    save_checkpoint(folder, w, "lstm", "lstm", False)
    with zipfile.ZipFile(tmp_path / "sheep.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"sheep/{file.name}")
    assert read_published(str(tmp_path / "sheep.zip")).name == "owl"
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(ValueError, match="must be a Sketch-RNN decoder"):
        read_published(str(tmp_path / "other.json"))
    (folder / "model_config.json").unlink()
    with pytest.raises(ValueError, match=r"must have a model_config\.json"):
        read_published(str(folder))
