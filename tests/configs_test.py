import dataclasses
import json

import pytest

from sketcher_tf.configs import PRESETS, Config, ModelConfig


@pytest.mark.parametrize("name", PRESETS)
def test_presets_come_back_from_json(name):
    config = PRESETS[name]
    assert Config.from_json(json.loads(config.dumps())) == config


def test_fields_left_out_of_json_keep_their_default():
    config = Config.from_json({"model": {"encoder_units": 7}})
    assert config == Config(model=ModelConfig(encoder_units=7))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("model.encoder_units=64", 64),
        ("model.rnn=hyper", "hyper"),
        ("model.conditional=False", False),
        ("model.conditional=true", True),
        ("loss.kl_weight=1", 1.0),
        ("training.learning_rate=5e-4", 5e-4),
        ("training.precision=mixed_bfloat16", "mixed_bfloat16"),
    ],
)
def test_a_setting_is_read_from_text(text, value):
    path, _, word = text.partition("=")
    config = Config().replace([(path, word)])
    section, name = path.split(".")
    received = getattr(getattr(config, section), name)
    assert received == value
    assert type(received) is type(value)


def test_a_setting_changes_nothing_else():
    config = PRESETS["quick"].replace([("data.batch_size", "5")])
    expected = dataclasses.replace(
        PRESETS["quick"],
        data=dataclasses.replace(PRESETS["quick"].data, batch_size=5),
    )
    assert config == expected


def test_the_last_of_two_settings_counts():
    changes = [("training.epochs", "5"), ("training.epochs", 6)]
    assert Config().replace(changes).training.epochs == 6


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("encoder_units", "1", "section.field of the configuration; received"),
        ("model.units", "1", r"received 'model.units'. Known: model.rnn, "),
        ("models.rnn", "lstm", "received 'models.rnn'"),
        ("model.encoder_units", "many", "of type int; received 'many'"),
        ("model.encoder_units", "1.5", "of type int; received '1.5'"),
        ("model.encoder_units", 1.5, "of type int; received 1.5"),
        ("model.encoder_units", None, "of type int; received None"),
        ("model.conditional", "maybe", "is true or false; received 'maybe'"),
        ("model.rnn", "gru", r"one of \('lstm', 'layer_norm', 'hyper'\); re"),
        ("model.encoder_units", "0", "at least 1; received 0"),
        ("model.image_latent_size", "-1", r"0 \(off\) or more; received -1"),
        ("model.recurrent_dropout", "1", r"in \[0, 1\); received 1.0"),
        ("model.min_scale", "0", "must be > 0; received 0.0"),
        ("loss.kl_weight", "-1", "loss.kl_weight must be 0 or more"),
        ("loss.kl_decay_rate", "2", "at most 1; received 2.0"),
        ("data.batch_size", "0", "data.batch_size must be at least 1"),
        ("data.drop_point", "nan", r"in \[0, 1\); received nan"),
        ("training.epochs", "0", "training.epochs must be at least 1"),
        ("training.patience", "-1", "training.patience must be 0 or more"),
        ("training.learning_rate", "0", "training.learning_rate must be above"),
        ("training.learning_rate_decay", "1.1", "above 0 and at most 1"),
        ("training.seed", 2**31, r"below 2\*\*31; received 2147483648"),
    ],
)
def test_what_is_wrong_is_told(path, value, told):
    with pytest.raises(ValueError, match=told):
        Config().replace([(path, value)])
