import dataclasses
import json
import re
import subprocess
import sys

import pytest

from sketcher_tf.configs import PRESETS, Config

CHANGED = [
    ("model.rnn", "hyper"),
    ("model.encoder_units", "64"),
    ("model.recurrent_dropout", "0.25"),
    ("model.conditional", "false"),
    ("loss.kl_weight", "1e-2"),
    ("data.batch_size", "7"),
    ("training.precision", "mixed_bfloat16"),
    ("training.seed", "12"),
]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_survives_json(preset):
    config = PRESETS[preset]
    assert Config.from_json(json.loads(config.dumps())) == config
    assert json.loads(config.dumps()) == config.to_json()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_changed_preset_survives_json(preset):
    config = PRESETS[preset].replace(CHANGED)
    assert config != PRESETS[preset]
    assert Config.from_json(json.loads(config.dumps())) == config


def test_what_json_leaves_out_keeps_its_default():
    config = Config.from_json({"data": {"batch_size": 3}})
    assert config == Config().replace([("data.batch_size", 3)])
    assert Config.from_json({}) == Config()


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("model.encoder_units", "64", 64),
        ("data.batch_size", " 8 ", 8),
        ("model.recurrent_dropout", "0.25", 0.25),
        ("training.learning_rate", "1e-4", 1e-4),
        ("loss.kl_weight", "1", 1.0),
        ("model.conditional", "false", False),
        ("model.conditional", "True", True),
        ("model.rnn", "layer_norm", "layer_norm"),
        ("training.precision", "mixed_bfloat16", "mixed_bfloat16"),
    ],
)
def test_text_becomes_the_type_of_the_setting(path, text, value):
    section, name = path.split(".")
    config = Config().replace([(path, text)])
    changed = getattr(getattr(config, section), name)
    assert changed == value
    assert type(changed) is type(value)


def test_replacing_changes_nothing_else():
    config = Config().replace([("model.latent_size", "3")])
    values, defaults = config.to_json(), Config().to_json()
    assert values["model"].pop("latent_size") == 3
    defaults["model"].pop("latent_size")
    assert values == defaults


def test_replacing_keeps_the_settings_of_the_preset():
    quick = PRESETS["quick"]
    config = quick.replace([("training.epochs", "99")])
    assert config.model == quick.model
    assert config.loss == quick.loss
    assert config.training == dataclasses.replace(quick.training, epochs=99)


def test_the_last_of_two_changes_of_a_setting_holds():
    config = Config().replace(
        [("training.seed", "1"), ("data.num_buckets", 2), ("training.seed", 2)]
    )
    assert config.training.seed == 2
    assert config.data.num_buckets == 2


def test_replacing_nothing_is_the_identity():
    for config in PRESETS.values():
        assert config.replace([]) == config


@pytest.mark.parametrize(
    "path",
    ["", "model", "model.", "size", ".rnn", "model.size", "rnn.model", "a.b.c"],
)
def test_an_unknown_setting_is_answered_with_the_known_ones(path):
    with pytest.raises(ValueError) as error:
        Config().replace([(path, "1")])
    message = str(error.value)
    assert f"section.field of the configuration; received {path!r}" in message
    for section, values in Config().to_json().items():
        for name in values:
            assert f"{section}.{name}" in message


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("model.rnn", "gru", "model.rnn must be one of ('lstm', 'layer_norm'"),
        ("model.influence", "", "model.influence must be one of ('full'"),
        ("training.precision", "float16", "training.precision must be one of"),
        ("model.conditional", "maybe", "model.conditional is true or false"),
        ("model.encoder_units", "many", "model.encoder_units must be of type"),
        ("model.encoder_units", "1.5", "must be of type int; received '1.5'"),
        ("loss.kl_weight", "x", "must be of type float; received 'x'"),
        ("loss.kl_weight", None, "must be of type float; received None"),
        ("model.decoder_units", 0, "model.decoder_units must be at least 1"),
        ("model.num_mixtures", "-2", "model.num_mixtures must be at least 1"),
        ("model.image_latent_size", -1, "must be 0 (off) or more; received -1"),
        ("model.recurrent_dropout", 1, "model.recurrent_dropout must be in [0"),
        ("model.min_scale", 0, "model.min_scale must be > 0"),
        ("loss.kl_tolerance", "nan", "loss.kl_tolerance must be 0 or more"),
        ("loss.kl_decay_rate", 1.1, "loss.kl_decay_rate must be at most 1"),
        ("data.batch_size", "0", "data.batch_size must be at least 1"),
        ("data.drop_point", "1", "data.drop_point must be in [0, 1)"),
        ("data.random_scale", -0.1, "data.random_scale must be in [0, 1)"),
        (
            "training.epochs",
            0,
            "training.epochs must be at least 1, or with --init at least 0",
        ),
        (
            "training.critic_epochs",
            -1,
            "training.critic_epochs must be 0 or more",
        ),
        (
            "training.plain_epochs",
            -1,
            "training.plain_epochs must be 0 or more",
        ),
        (
            "training.seed",
            -1,
            "training.seed must be 0 or more and below 2**31",
        ),
        ("training.learning_rate", 0, "training.learning_rate must be above 0"),
        ("training.gradient_clip", -1, "training.gradient_clip must be above"),
    ],
)
def test_a_bad_value_is_refused_by_the_rule_it_breaks(path, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Config().replace([(path, value)])
    section, name = path.split(".")
    with pytest.raises(ValueError, match=re.escape(message)):
        Config.from_json({section: {name: value}})


def test_the_baseline_is_the_paper_with_its_extensions_off():
    baseline = PRESETS["sketch_rnn"]
    assert not baseline.model.conditional
    assert baseline.model.influence == "none"
    assert baseline.model.image_latent_size == 0
    extensions = {
        "model.conditional": PRESETS["paper"].model.conditional,
        "model.influence": PRESETS["paper"].model.influence,
        "model.image_latent_size": PRESETS["paper"].model.image_latent_size,
        "model.critic_units": PRESETS["paper"].model.critic_units,
        "data.mirror": PRESETS["paper"].data.mirror,
        "data.reread": PRESETS["paper"].data.reread,
        "data.balance": PRESETS["paper"].data.balance,
    }
    assert all(value not in (False, "none", 0) for value in extensions.values())
    assert baseline.replace(extensions.items()) == PRESETS["paper"]


def test_a_training_that_begins_with_a_model_may_have_no_epoch():
    config = PRESETS["finetune"].continued(Config(), "a digest")
    assert config.replace([("training.epochs", 0)]).training.epochs == 0


def test_configs_do_without_tensorflow():
    code = "import sys, sketcher_tf.configs; print('tensorflow' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"
