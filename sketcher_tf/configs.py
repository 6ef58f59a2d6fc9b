"""What can be chosen: frozen dataclasses, one per concern, and the presets.

Every field is set from the command line by `--set section.field=value`; the
whole is stored as JSON in the run folder and inside the model. Where a default
has no comment it is Sketch-RNN's (Ha and Eck 2017). No TensorFlow here.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


def _check(holds: bool, rule: str, received: Any) -> None:
    if not holds:
        raise ValueError(f"{rule}; received {received!r}.")


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the network; the paper's symbols in brackets."""

    rnn: Literal["lstm", "layer_norm", "hyper"] = "lstm"
    # Another kind for the encoder; published Sketch-RNNs mix them.
    encoder_rnn: Literal["same", "lstm", "layer_norm", "hyper"] = "same"
    encoder_units: int = 256  # per direction
    decoder_units: int = 512
    latent_size: int = 128  # z_s
    num_mixtures: int = 20  # M
    recurrent_dropout: float = 0.1
    conditional: bool = True  # whether c is used at all
    # Influence layer: one W_j per step, one W for all, or off.
    influence: Literal["full", "shared", "none"] = "shared"
    influence_size: int = 64  # a_d
    # The mean over the steps so far in place of their sum, which grows with
    # the drawing; and s_a, the log variance, before training.
    influence_average: bool = False
    influence_log_var: float = 0.0
    image_latent_size: int = 128  # z_r; 0 switches the CNN autoencoder off
    image_filters: int = 16  # of the first convolution; doubled twice
    # Standard deviation of the noise that z_r gets in training, so that the
    # decoder forgives a z_r that the prior has made up (Ho et al. 2021).
    image_latent_noise: float = 0.0
    # Smallest standard deviation of an offset, in units of the scale factor.
    # Drawings lie on a grid of one pixel; a density sharper than that would
    # only learn the grid, and grows without bound.
    min_scale: float = 0.01
    # Of the critic's hidden layer, which tells what a drawing shows; 0 is off.
    critic_units: int = 0
    # Of its convolutions over the encoder's states; 0 leaves them out.
    critic_filters: int = 0
    prior_components: int = 8  # Gaussians per class in the latent prior
    prior_rank: int = 16  # directions kept of their covariance

    def __post_init__(self) -> None:
        """Raises: ValueError, with the rule that is broken."""
        for name in (
            "encoder_units",
            "decoder_units",
            "latent_size",
            "num_mixtures",
            "influence_size",
            "image_filters",
            "prior_components",
            "prior_rank",
        ):
            value = getattr(self, name)
            _check(value >= 1, f"model.{name} must be at least 1", value)
        for name in ("image_latent_size", "critic_units", "critic_filters"):
            value = getattr(self, name)
            rule = f"model.{name} must be 0 (off) or more"
            _check(value >= 0, rule, value)
        rule = "model.image_latent_noise must be 0 or more"
        _check(self.image_latent_noise >= 0, rule, self.image_latent_noise)
        rule = "model.recurrent_dropout must be in [0, 1)"
        dropout = self.recurrent_dropout
        _check(0 <= dropout < 1, rule, dropout)
        _check(
            self.min_scale > 0, "model.min_scale must be > 0", self.min_scale
        )


@dataclass(frozen=True)
class LossConfig:
    """Loss = l_r + alpha max(l_kl, epsilon), l_kl = l_z + beta l_a."""

    kl_weight: float = 0.5  # alpha
    kl_weight_start: float = 0.01  # eta_min
    kl_decay_rate: float = 0.99995  # R
    kl_tolerance: float = 0.2  # epsilon, in nats per latent
    # beta; the paper gives no number. At 1 the divergence of a_d, which says
    # little that the decoder does not know, takes a fifth of epsilon from z_s.
    influence_kl_weight: float = 0.01

    def __post_init__(self) -> None:
        """Raises: ValueError, with the rule that is broken."""
        for name, value in dataclasses.asdict(self).items():
            _check(value >= 0, f"loss.{name} must be 0 or more", value)
        _check(
            self.kl_decay_rate <= 1,
            "loss.kl_decay_rate must be at most 1",
            self.kl_decay_rate,
        )


@dataclass(frozen=True)
class DataConfig:
    """How drawings become batches."""

    batch_size: int = 100  # over all replicas
    num_buckets: int = 16  # by length, cut so that padding is least
    shuffle_buffer: int = 20_000  # drawings, over all workers
    random_scale: float = 0.15  # x and y are stretched by 1 +- this
    drop_point: float = 0.1  # probability for a point inside a stroke
    mirror: float = 0.0  # share of the drawings that are mirrored
    # Share of the drawings that are begun as another hand might: `rereading`.
    reread: float = 0.0
    # A word of n drawings comes in proportion to n^(1 - balance).
    balance: float = 0.0

    def __post_init__(self) -> None:
        """Raises: ValueError, with the rule that is broken."""
        for name in ("batch_size", "num_buckets", "shuffle_buffer"):
            value = getattr(self, name)
            _check(value >= 1, f"data.{name} must be at least 1", value)
        for name in ("random_scale", "drop_point"):
            value = getattr(self, name)
            _check(0 <= value < 1, f"data.{name} must be in [0, 1)", value)
        for name in ("mirror", "reread", "balance"):
            value = getattr(self, name)
            _check(0 <= value <= 1, f"data.{name} must be in [0, 1]", value)


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how fast."""

    epochs: int = 100
    steps_per_epoch: int = 0  # 0: one pass over the training split
    image_epochs: int = 8  # passes of the CNN autoencoder's own phase
    # The last epochs, which see the drawings as they are or re-read.
    plain_epochs: int = 0
    # Passes of the critic's own phase, after the strokes; 0: it learns along.
    critic_epochs: int = 0
    critic_learning_rate: float = 1.5e-3  # falls on a line to the minimum
    learning_rate: float = 1e-3
    min_learning_rate: float = 1e-5
    # Falls by a factor per step, as in Sketch-RNN, or on a line to its minimum
    # at the end of the last epoch.
    schedule: Literal["exponential", "linear"] = "exponential"
    learning_rate_decay: float = 0.9999  # the factor
    warmup_steps: int = 0  # in which it rises from 0
    gradient_clip: float = 1.0  # by value
    patience: int = 10  # epochs without a better validation loss; 0: never stop
    sheet_every: int = 5  # epochs between two sheets of sketches
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    seed: int = 0
    origin: str = ""  # what --init began with: a digest of that model

    def __post_init__(self) -> None:
        """Raises: ValueError, with the rule that is broken."""
        rule = "training.epochs must be at least 1, or with --init at least 0"
        _check(self.epochs >= (not self.origin), rule, self.epochs)
        rule = "training.sheet_every must be at least 1"
        _check(self.sheet_every >= 1, rule, self.sheet_every)
        for name in (
            "steps_per_epoch",
            "image_epochs",
            "plain_epochs",
            "critic_epochs",
            "patience",
            "min_learning_rate",
            "warmup_steps",
        ):
            value = getattr(self, name)
            _check(value >= 0, f"training.{name} must be 0 or more", value)
        for name in ("learning_rate", "critic_learning_rate", "gradient_clip"):
            value = getattr(self, name)
            _check(value > 0, f"training.{name} must be above 0", value)
        decay = self.learning_rate_decay
        rule = "training.learning_rate_decay must be above 0 and at most 1"
        _check(0 < decay <= 1, rule, decay)
        rule = "training.seed must be 0 or more and below 2**31"
        _check(0 <= self.seed < 2**31, rule, self.seed)


@dataclass(frozen=True)
class Config:
    """All of it."""

    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @property
    def critic_phase(self) -> bool:
        """Whether there is a critic that learns after the strokes."""
        return bool(self.model.critic_units and self.training.critic_epochs)

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Plain types, for JSON and for `get_config`."""
        return dataclasses.asdict(self)

    def dumps(self) -> str:
        """As JSON text."""
        return json.dumps(self.to_json(), indent=2)

    @classmethod
    def from_json(cls, values: Mapping[str, Mapping[str, Any]]) -> "Config":
        """Inverse of `to_json`; fields left out keep their default.

        Raises:
            ValueError: an unknown section or field, or a bad value.
        """
        unknown = values.keys() - {f.name for f in dataclasses.fields(cls)}
        _check(not unknown, "a section must be a known one", unknown)
        return cls().replace(
            (f"{section}.{name}", value)
            for section, fields in values.items()
            for name, value in fields.items()
        )

    def continued(self, earlier: "Config", origin: str) -> "Config":
        """These settings for a training that begins with a trained model.

        Args:
            earlier: the settings of that model; its sizes stay, and its loss,
                as it was in the end.
            origin: the model's digest.
        """
        loss = dataclasses.replace(
            earlier.loss, kl_weight_start=earlier.loss.kl_weight
        )
        return dataclasses.replace(
            self,
            model=earlier.model,
            loss=loss,
            training=dataclasses.replace(self.training, origin=origin),
        )

    def replace(self, changes: Iterable[tuple[str, Any]]) -> "Config":
        """With `section.field` set to a value, or to its text.

        Raises:
            ValueError: an unknown section or field, or a bad value.
        """
        sections: dict[str, dict[str, Any]] = {
            f.name: {} for f in dataclasses.fields(self)
        }
        for path, value in changes:
            section, _, name = path.partition(".")
            known = _fields(getattr(self, section, None))
            if name not in known:
                raise ValueError(
                    "a setting must be section.field of the configuration; "
                    f"received {path!r}. Known: {', '.join(_paths(self))}."
                )
            sections[section][name] = _convert(path, known[name], value)
        return Config(
            **{
                section: dataclasses.replace(getattr(self, section), **values)
                for section, values in sections.items()
            }
        )


def _fields(section: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(section):
        return {}
    return {f.name: f.type for f in dataclasses.fields(section)}


def _paths(config: Config) -> list[str]:
    return [
        f"{section.name}.{name}"
        for section in dataclasses.fields(config)
        for name in _fields(getattr(config, section.name))
    ]


def _convert(path: str, kind: Any, value: Any) -> Any:
    """`value`, or its text, as `kind`: a type or a Literal of words."""
    words = getattr(kind, "__args__", None)
    if words:
        _check(value in words, f"{path} must be one of {words}", value)
        return value
    if kind is bool:
        known = {"true": True, "false": False}
        _check(str(value).lower() in known, f"{path} is true or false", value)
        return known[str(value).lower()]
    try:
        converted = kind(value)
    except (TypeError, ValueError):
        converted = None
    # A number with a fraction is no int, though Python would make it one.
    lost = not isinstance(value, str) and converted != value
    if converted is None or lost:
        raise ValueError(
            f"{path} must be of type {kind.__name__}; received {value!r}."
        )
    return converted


# The sizes of the paper, for people's drawings. Instead of Sketch-RNN's slow
# decay: on 33 categories of Quick, Draw! it comes as far in half the steps.
_PAPER = Config(
    model=ModelConfig(
        influence_average=True,
        influence_log_var=-4.0,
        image_latent_noise=0.12,
        critic_units=256,
        critic_filters=256,
    ),
    data=DataConfig(mirror=0.15, reread=0.35, balance=0.5),
    training=TrainingConfig(
        epochs=60,
        plain_epochs=5,
        critic_epochs=10,
        learning_rate=3e-3,
        schedule="linear",
        warmup_steps=200,
    ),
)

PRESETS: Mapping[str, Config] = {
    # Minutes on two cores, for the doodles that the project draws itself.
    "quick": Config(
        model=ModelConfig(
            encoder_units=128,
            decoder_units=256,
            latent_size=32,
            influence_size=16,
            image_latent_size=32,
            image_filters=8,
        ),
        loss=LossConfig(kl_decay_rate=0.999),
        data=DataConfig(batch_size=50, drop_point=0.0),
        training=TrainingConfig(
            epochs=10,
            image_epochs=2,
            learning_rate=2e-3,
            learning_rate_decay=0.999,
            sheet_every=3,
        ),
    ),
    # A quarter of an hour for ten words that people drew, some 5,000 drawings.
    "medium": Config(
        model=ModelConfig(
            encoder_units=128,
            decoder_units=384,
            latent_size=64,
            influence_size=32,
            image_latent_size=64,
            image_latent_noise=0.12,
        ),
        loss=LossConfig(kl_decay_rate=0.999),
        data=DataConfig(batch_size=50),
        training=TrainingConfig(
            epochs=40,
            image_epochs=4,
            plain_epochs=5,
            learning_rate=2e-3,
            schedule="linear",
            warmup_steps=100,
            patience=0,
            sheet_every=10,
        ),
    ),
    # Ten minutes from a trained model, whose sizes and loss are kept, however
    # many drawings there are: few ones are seen again and again.
    "finetune": Config(
        training=TrainingConfig(
            epochs=14,
            steps_per_epoch=50,
            image_epochs=0,
            plain_epochs=4,
            critic_epochs=3,
            learning_rate=1e-3,
            schedule="linear",
            warmup_steps=50,
            sheet_every=7,
        ),
    ),
    "paper": _PAPER,
    # The baseline: the same network with its three extensions off.
    "sketch_rnn": _PAPER.replace(
        {
            "model.conditional": False,
            "model.influence": "none",
            "model.image_latent_size": 0,
            "model.critic_units": 0,
            "data.mirror": 0.0,
            "data.reread": 0.0,
            "data.balance": 0.0,
        }.items()
    ),
}
