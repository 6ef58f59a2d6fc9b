"""The kinds of recurrent core that a model can be built of, by name."""

from sketcher_tf.configs import ModelConfig
from sketcher_tf.model.recurrent.core import RecurrentCore
from sketcher_tf.model.recurrent.hyper_lstm import HyperLSTM
from sketcher_tf.model.recurrent.layer_norm_lstm import LayerNormLSTM
from sketcher_tf.model.recurrent.lstm import SequenceLSTM

_CORES = {
    "lstm": SequenceLSTM,
    "layer_norm": LayerNormLSTM,
    "hyper": HyperLSTM,
}


def recurrent_core(config: ModelConfig, units: int, name: str) -> RecurrentCore:
    """The core that `config.rnn` names, over whole sequences."""
    return _CORES[config.rnn](
        units,
        return_sequences=True,
        recurrent_dropout=config.recurrent_dropout,
        name=name,
    )
