"""From Magenta's weights to a model of this project.

Both compute the same; what differs is the order of gates (i j f o there, i f g
o here), of states, and of the outputs, and that Sketch-RNN adds 1 to its forget
gates. A decoder without encoder becomes a model whose latents nothing reads.

References: Ha and Eck 2017; Ha, Dai and Le 2017.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sketcher_tf.configs import Config, ModelConfig
from sketcher_tf.data.formats.placement import longest_side
from sketcher_tf.data.formats.simplify import SIDE_PX
from sketcher_tf.import_model.published import Published
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.recurrent.core import RecurrentCore
from sketcher_tf.model.recurrent.hyper_lstm import HyperLSTM
from sketcher_tf.model.recurrent.layer_norm_lstm import LayerNormLSTM
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.sketcher import Sketcher

_POINT = 5  # the width of stroke-5
_NUM_DRAWN = 64  # drawings by which a model's scale is measured

# Of the small matrices of a HyperLSTM, in our order of gates: of the inputs,
# then of the state.
_HYPER = ("ix", "fx", "jx", "ox", "ih", "fh", "jh", "oh")

# The name of a variable below a cell's own -> the array
Read = Callable[[str], np.ndarray]


def convert(published: Published, scale_factor: float) -> AISketcher:
    """A model that draws as the published one does.

    Args:
        published: the trained model.
        scale_factor: pixels per unit of its offsets.

    Raises:
        ValueError: weights that its settings ask for are missing.
    """
    settings = published.settings
    conditional = bool(settings.get("conditional", True))
    schema = Schema(
        factors=(Factor("category", (published.name,)),),
        scale_factor=scale_factor,
        max_seq_len=int(settings["max_seq_len"]),
        image_size=64,
    )
    model = AISketcher(Config(_sizes(settings, conditional)), schema)
    weights = _Weights(published.weights)
    _assign_output(model, weights)
    size = model.config.model.latent_size * conditional
    _assign_core(model.decoder.rnn, weights.cell("RNN/"), size)
    if conditional:
        _assign_encoder(model, weights)
        _assign_first_state(model, weights)
    else:
        for weight in model.decoder.first_state.weights:
            weight.assign(np.zeros(weight.shape))
    return model


def fitting_scale(published: Published) -> float:
    """Pixels per unit that make a model draw at the size of Quick, Draw!'s.

    Published models do not tell: checkpoints have no scale, and those for
    JavaScript count in pixels of another canvas.

    Raises:
        ValueError: weights that its settings ask for are missing.
    """
    sketcher = Sketcher(convert(published, 1.0))
    drawn = sketcher.generate(published.name, _NUM_DRAWN, seed=0)
    side = float(
        np.median(
            [longest_side(np.concatenate(one.polylines)) for one in drawn]
        )
    )
    return SIDE_PX / (side or SIDE_PX)


def _sizes(settings: Mapping[str, Any], conditional: bool) -> ModelConfig:
    decoder: Any = settings.get("dec_model", "lstm")
    encoder: Any = "lstm"
    if conditional:
        encoder = settings.get("enc_model", encoder)
    return ModelConfig(
        rnn=decoder,
        encoder_rnn=encoder,
        encoder_units=int(settings["enc_rnn_size"]) if conditional else 1,
        decoder_units=int(settings["dec_rnn_size"]),
        latent_size=int(settings["z_size"]) if conditional else 1,
        num_mixtures=int(settings["num_mixture"]),
        conditional=False,
        influence="none",
        image_latent_size=0,
        min_scale=1e-8,  # Sketch-RNN has no such bound
        prior_components=1,
        prior_rank=1,
    )


class _Weights:
    """Variables, looked up by the parts of their names that matter."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = arrays

    def read(self, prefix: str, suffix: str) -> np.ndarray:
        """The variable of this scope with the shortest name that ends so.

        Raises:
            ValueError: there is none.
        """
        found = [
            name
            for name in self._arrays
            if name.startswith(prefix) and f"/{name}".endswith(f"/{suffix}")
        ]
        if not found:
            raise ValueError(
                "a checkpoint must hold the variables of its settings; "
                f"received none called {prefix}.../{suffix}."
            )
        return self._arrays[min(found, key=len)]

    def cell(self, prefix: str) -> Read:
        """Reads the variables of a cell; those of a cell within are longer."""
        return lambda suffix: self.read(prefix, suffix)


def _gates(array: np.ndarray, forget: float = 0.0) -> np.ndarray:
    """Gates i j f o in our order, and `forget` added to f."""
    i, j, f, o = np.split(array, 4, axis=-1)
    return np.concatenate([i, f + forget, j, o], axis=-1)


def _assign_core(core: RecurrentCore, read: Read, context_size: int) -> None:
    inputs = _gates(read("W_xh"))
    end = _POINT + context_size
    core.kernel.assign(inputs[:_POINT])
    if core.context_kernel is not None:
        context = np.zeros(core.context_kernel.shape)
        context[:context_size] = inputs[_POINT:end]
        core.context_kernel.assign(context)
    core.recurrent_kernel.assign(_gates(read("W_hh")))
    if isinstance(core, LayerNormLSTM):
        core.gate_gamma.assign(_gates(read("ln_all/ln_gamma")))
        core.gate_beta.assign(_gates(read("ln_all/ln_beta"), 1.0))
        core.cell_gamma.assign(read("ln_c/ln_gamma"))
        core.cell_beta.assign(read("ln_c/ln_beta"))
    else:
        core.bias.assign(_gates(read("bias"), 1.0))
    if isinstance(core, HyperLSTM):
        _assign_hyper(core, read, context_size)


def _assign_hyper(core: HyperLSTM, read: Read, context_size: int) -> None:
    def within(suffix: str) -> np.ndarray:
        return read(f"LayerNormLSTMCell/{suffix}")

    def matrices(names: tuple[str, ...], kind: str) -> list[np.ndarray]:
        return [read(f"hyper_{name}/{kind}") for name in names]

    core.bias.assign(_gates(read("bias")))
    _assign_core(core.hyper, within, context_size)
    # The state enters the small LSTM behind the inputs.
    feedback = within("W_xh")[_POINT + context_size :]
    core.feedback_kernel.assign(_gates(feedback))
    core.scale_embedding.assign(
        np.concatenate(matrices(_HYPER, "zw/super_linear_w"), axis=1)
    )
    core.scale_bias.assign(
        np.concatenate(matrices(_HYPER, "zw/super_linear_b"))
    )
    core.scale_kernel.assign(np.stack(matrices(_HYPER, "alpha/super_linear_w")))
    core.shift_embedding.assign(
        np.concatenate(matrices(_HYPER[4:], "zb/super_linear_w"), axis=1)
    )
    core.shift_kernel.assign(
        np.stack(matrices(_HYPER[4:], "beta/super_linear_w"))
    )


def _assign_encoder(model: AISketcher, weights: _Weights) -> None:
    encoder = model.encoder
    _assign_core(encoder.forward_rnn, weights.cell("ENC_RNN/fw/"), 0)
    _assign_core(encoder.backward_rnn, weights.cell("ENC_RNN/bw/"), 0)
    for variable, suffix in zip(
        encoder.projection.weights,
        ("super_linear_w", "super_linear_b"),
        strict=True,
    ):
        parts = [
            weights.read(f"ENC_RNN_{name}/", suffix) for name in ("mu", "sigma")
        ]
        variable.assign(np.concatenate(parts, axis=-1))


def _assign_first_state(model: AISketcher, weights: _Weights) -> None:
    """Our order is h, c, and of a HyperLSTM the small one's h and c."""
    sizes = model.decoder.rnn.state_sizes
    units, order = sizes[0], [0, 1]
    widths = [units, units]
    if len(sizes) == 4:  # there: h, small h, c, small c
        order, widths = [0, 2, 1, 3], [units, sizes[2], units, sizes[3]]
    elif not isinstance(model.decoder.rnn, LayerNormLSTM):  # there: c, h
        order = [1, 0]
    for variable, suffix in zip(
        model.decoder.first_state.weights,
        ("super_linear_w", "super_linear_b"),
        strict=True,
    ):
        array = weights.read("linear/", suffix)
        parts = np.split(array, np.cumsum(widths)[:-1], axis=-1)
        variable.assign(np.concatenate([parts[k] for k in order], axis=-1))


def _assign_output(model: AISketcher, weights: _Weights) -> None:
    """There: pen, weights, all x, all y, ...; here x and y are in pairs."""
    for variable, suffix in zip(
        model.decoder.output_projection.weights,
        ("output_w", "output_b"),
        strict=True,
    ):
        array = weights.read("RNN/", suffix)
        pen, rest = np.split(array, [3], axis=-1)
        pi, *pairs, correlation = np.split(rest, 6, axis=-1)
        x, y, log_x, log_y = pairs
        parts = [pen, pi, _paired(x, y), _paired(log_x, log_y), correlation]
        variable.assign(np.concatenate(parts, axis=-1))


def _paired(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([x, y], axis=-1).reshape(*x.shape[:-1], -1)
