"""The measurements of an evaluation, model by model."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.evaluation import diversity, intervals, metrics
from sketcher_tf.evaluation.classifier import (
    ClassifierConfig,
    trained_classifier,
)
from sketcher_tf.evaluation.dataset import Drawings, read_split
from sketcher_tf.evaluation.describe import describe_model
from sketcher_tf.evaluation.likelihood import drawing_losses
from sketcher_tf.evaluation.metrics import Recognition, words_of
from sketcher_tf.evaluation.predictions import (
    Predictions,
    nearest_drawings,
    novelty,
    predict_generated,
    predict_real,
    predict_redrawn,
)
from sketcher_tf.evaluation.samples import Samples, draw
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch


@dataclass(frozen=True)
class EvaluationConfig:
    """What is drawn, and what classifies it.

    Attributes:
        count: new drawings per word and model, and at most so many held-out
            ones per word.
        temperature: of all that models draw; None is that of
            `Sketcher.generate` for new drawings and 0.3 for others.
        seed: of drawing and of the bootstrap.
        split: the held-out drawings, `test` or `valid`.
        classifier: its config.
    """

    count: int = 100
    temperature: float | None = None
    seed: int = 0
    split: str = "test"
    classifier: ClassifierConfig = field(default_factory=ClassifierConfig)


class Measurements:
    """What all models are measured with, and what they drew so far.

    Args:
        models: name -> model.
        data: a prepared folder.
        config: how much is drawn, and how.

    Raises:
        ValueError: fewer than 2 drawings for training, or held out.
    """

    def __init__(
        self,
        models: Mapping[str, Sketcher],
        data: Path,
        config: EvaluationConfig,
    ) -> None:
        self.models = models
        self.config = config
        manifest = read_manifest(data)
        self.words = words_of(manifest.schema)
        limit = config.classifier.max_drawings
        # A Gaussian of features needs two drawings, training or held out.
        _check_count("train", manifest.splits["train"].count)
        self.held_out = self._select(read_split(data, config.split, limit))
        _check_count(config.split, len(self.held_out))
        self.classifier = trained_classifier(data, config.classifier)
        # The drawings that the classifier has learned from.
        self.training = read_split(data, "train", limit)
        logging.info("Classifying %d training drawings", len(self.training))
        self.training_predictions = self._predict_real(self.training)
        self.real_predictions = self._predict_real(self.held_out)
        self.reference = metrics.feature_gaussian(
            self.training_predictions.features
        )
        # Sets of equal size, as Frechet distances need them.
        self.sizes = np.minimum(
            np.bincount(
                self.real_predictions.target, minlength=len(self.words)
            ),
            config.count,
        )
        self.samples: dict[str, Samples] = {}
        self.generated: dict[str, Predictions] = {}
        self.nearest: dict[str, list[Sketch]] = {}

    def measure(self, name: str) -> dict[str, Any]:
        """Draws with a model and measures what it drew."""
        logging.info("Evaluating %s", name)
        sketcher, config = self.models[name], self.config
        drawn = draw(
            sketcher,
            self.held_out.sketches(),
            config.count,
            config.temperature,
            config.seed,
        )
        generated = predict_generated(
            drawn.generated, self.classifier, self.words
        )
        self.samples[name], self.generated[name] = drawn, generated
        self.nearest[name] = self._nearest(generated)
        redrawn = {
            what: predict_redrawn(
                sketches, self.real_predictions, self.classifier
            )
            for what, sketches in drawn.redrawn.items()
        }
        return {
            **describe_model(sketcher),
            "generated": self._quality(generated),
            **{what: self._quality(found) for what, found in redrawn.items()},
            "unfinished": _unfinished(drawn),
            "tries": intervals.mean(drawn.tries, self._rng(8)),
            "confusion": metrics.confusion(
                generated.target, generated.labels, self.words
            ),
            "diversity": self._diversity(generated),
            "novelty": novelty(
                generated, self.training_predictions, self._rng(1)
            ),
            "losses": self._losses(sketcher),
        }

    def measure_real(self) -> dict[str, Any]:
        """The same of the real drawings, as far as it applies."""
        real = self.real_predictions
        return {
            "recognised": self._recognition(real),
            "frechet": self._frechet(real),
            "coverage": self._coverage(real),
            "confusion": metrics.confusion(
                real.target, real.labels, self.words
            ),
            "diversity": self._diversity(self._training_sample()),
            "novelty": novelty(real, self.training_predictions, self._rng(1)),
        }

    def compare(self, baseline: str) -> dict[str, Any]:
        """Every other model with the baseline."""
        against = self._recognition(self.generated[baseline]).share
        return {
            name: {
                "recognised_difference": intervals.difference(
                    self._recognition(generated).share, against
                ),
                "diversity": self._diversity_tests(name, baseline),
            }
            for name, generated in self.generated.items()
            if name != baseline
        }

    def held_out_words(self) -> list[list[int]]:
        """Of each held-out drawing, the numbers of its words."""
        real = self.real_predictions
        return [
            real.target[real.drawing == number].tolist()
            for number in range(len(self.held_out))
        ]

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.config.seed, stream])

    def _select(self, drawings: Drawings) -> Drawings:
        """The first `count` drawings of each word that all models can take."""
        limit = min(m.schema.max_seq_len for m in self.models.values())
        fits = np.array([len(x) <= limit for x in drawings.stroke3], bool)
        rows = [
            np.flatnonzero(
                fits & (drawings.labels[:, word.factor] == word.value)
            )[: self.config.count]
            for word in self.words
        ]
        return drawings.take(np.unique(np.concatenate(rows)))

    def _predict_real(self, drawings: Drawings) -> Predictions:
        return predict_real(drawings, self.classifier, self.words)

    def _training_sample(self) -> Predictions:
        """`count` random training drawings per word: few are held out."""
        order = self._rng(2).permutation(len(self.training_predictions.target))
        counts = np.full(len(self.words), self.config.count)
        return self.training_predictions.take(order).first(counts)

    def _recognition(self, predictions: Predictions) -> Recognition:
        return metrics.recognition(
            predictions.target, predictions.labels, self.words
        )

    def _quality(self, predictions: Predictions) -> dict[str, Any]:
        recognised = self._recognition(predictions)
        real = self._recognition(self.real_predictions)
        return {
            "recognised": recognised,
            "ratio_to_real": intervals.ratio(recognised.share, real.share),
            "frechet": self._frechet(predictions),
            "coverage": self._coverage(predictions),
        }

    def _frechet(self, predictions: Predictions) -> intervals.Estimate:
        return metrics.frechet_estimate(
            predictions.first(self.sizes).features,
            self.reference,
            self._rng(3),
        )

    def _coverage(self, predictions: Predictions) -> metrics.Coverage:
        """Of and by as many training drawings, each of which counts once."""
        sets = [
            found.first(self.sizes).once().features
            for found in (predictions, self._training_sample())
        ]
        count = min(map(len, sets))
        rng = self._rng(7)
        return metrics.coverage(
            *(x[rng.permutation(len(x))[:count]] for x in sets)
        )

    def _diversity(self, predictions: Predictions) -> dict[str, Any]:
        by_word = predictions.hashes_by_word(self.words)
        return {
            "all": diversity.spread(by_word, self._rng(4)),
            "words": {
                word.text: diversity.spread([row], self._rng(4))
                for word, row in zip(self.words, by_word, strict=True)
            },
        }

    def _diversity_tests(self, name: str, baseline: str) -> dict[str, Any]:
        rng = self._rng(5)
        ours, theirs = (
            [
                diversity.independent_distances(row, rng)
                for row in self.generated[model].hashes_by_word(self.words)
            ]
            for model in (name, baseline)
        )
        return {
            "all": diversity.t_test(
                np.concatenate(ours), np.concatenate(theirs)
            ),
            "words": {
                word.text: diversity.t_test(one, other)
                for word, one, other in zip(
                    self.words, ours, theirs, strict=True
                )
            },
        }

    def _losses(self, sketcher: Sketcher) -> dict[str, Any]:
        losses = drawing_losses(sketcher.model, self.held_out)
        limit = sketcher.schema.max_seq_len
        nats = losses.reconstruction * limit
        values = {
            "reconstruction": losses.reconstruction,
            "reconstruction_padded": losses.reconstruction_padded,
            "reconstruction_nats": nats,
            "nats_per_point": nats / losses.points,
            "latent_kl": losses.latent_kl,
            "latent_kl_nats": losses.latent_kl
            * sketcher.model.config.model.latent_size,
            "influence_kl": losses.influence_kl,
        }
        rng = self._rng(6)
        return {
            "n_max": limit,
            **{name: intervals.mean(x, rng) for name, x in values.items()},
        }

    def _nearest(self, predictions: Predictions) -> list[Sketch]:
        rows = nearest_drawings(predictions, self.training_predictions)
        return self.training.take(rows).sketches()


def _check_count(split: str, count: int) -> None:
    if count < 2:
        raise ValueError(
            f"the {split} split must hold at least 2 drawings, not longer than "
            f"those of the models' training; received {count}. Name a larger "
            "set with --data."
        )


def _unfinished(drawn: Samples) -> float:
    """The share of new drawings that were cut off."""
    sketches = [s for row in drawn.generated.values() for s in row]
    return float(np.mean([not sketch.finished for sketch in sketches]))
