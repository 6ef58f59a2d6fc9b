"""Drawings with all that is measured on them, in rows per word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sketcher_tf.evaluation import diversity, metrics
from sketcher_tf.evaluation.classifier import Classifier
from sketcher_tf.evaluation.dataset import Drawings
from sketcher_tf.evaluation.intervals import Estimate, mean
from sketcher_tf.evaluation.metrics import Word
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.sketches import Sketch


@dataclass(frozen=True, eq=False)
class Predictions:
    """Drawings, seen by the classifier; a row for each word that is meant.

    A drawing of several factors stands in a row for each of its values.

    Attributes:
        target: int64 [K], the number of the word.
        drawing: int64 [K], the number of the drawing.
        labels: int64 [K, F], see `classifier.Prediction`.
        features: float32 [K, H].
        hashes: uint8 [K, 8].
    """

    target: np.ndarray
    drawing: np.ndarray
    labels: np.ndarray
    features: np.ndarray
    hashes: np.ndarray

    def take(self, rows: np.ndarray) -> "Predictions":
        """The rows of these numbers, or of a mask."""
        return Predictions(
            self.target[rows],
            self.drawing[rows],
            self.labels[rows],
            self.features[rows],
            self.hashes[rows],
        )

    def first(self, counts: np.ndarray) -> "Predictions":
        """At most `counts[w]` rows of each word, the first ones."""
        rows = [
            np.flatnonzero(self.target == word)[:count]
            for word, count in enumerate(counts)
        ]
        return self.take(np.sort(np.concatenate(rows)))

    def once(self) -> "Predictions":
        """One row of each drawing, whatever words it has."""
        return self.take(np.unique(self.drawing, return_index=True)[1])

    def hashes_by_word(self, words: Sequence[Word]) -> list[np.ndarray]:
        """The hashes of each word's rows."""
        return [self.hashes[self.target == i] for i in range(len(words))]


class Novelty(NamedTuple):
    """How far drawings are from the nearest training drawing of their word.

    Attributes:
        distance: of perceptual hashes, in bits, averaged over the drawings.
        copies: share of drawings that differ from one in 4 bits at most.
    """

    distance: Estimate
    copies: float


_COPY_BITS = 4


def predict_real(
    drawings: Drawings, classifier: Classifier, words: Sequence[Word]
) -> Predictions:
    """Classifies drawings of people; the targets are their labels."""
    numbers = {(word.factor, word.value): i for i, word in enumerate(words)}
    target = [
        [numbers[pair] for pair in enumerate(labels)]
        for labels in drawings.labels.tolist()
    ]
    return _predict(drawings.images, target, classifier)


def predict_generated(
    generated: Mapping[str, Sequence[Sketch]],
    classifier: Classifier,
    words: Sequence[Word],
) -> Predictions:
    """Classifies drawings made for single words."""
    numbers = {word.text: i for i, word in enumerate(words)}
    target = [[numbers[text]] for text, row in generated.items() for _ in row]
    sketches = [sketch for row in generated.values() for sketch in row]
    return _predict(rasters(sketches, classifier), target, classifier)


def predict_redrawn(
    sketches: Sequence[Sketch], originals: Predictions, classifier: Classifier
) -> Predictions:
    """Classifies drawings made from `originals`, one of each."""
    target = [
        originals.target[originals.drawing == number].tolist()
        for number in range(len(sketches))
    ]
    return _predict(rasters(sketches, classifier), target, classifier)


def rasters(sketches: Sequence[Sketch], classifier: Classifier) -> np.ndarray:
    """uint8 [D, S, S], as the classifier's training drawings were made."""
    size = classifier.schema.image_size
    images = [rasterize(sketch.polylines, size) for sketch in sketches]
    return np.array(images, np.uint8).reshape(-1, size, size)


def _predict(
    images: np.ndarray, target: Sequence[Sequence[int]], classifier: Classifier
) -> Predictions:
    labels, features = classifier.predict(images)
    rows = np.repeat(np.arange(len(images)), [len(words) for words in target])
    return Predictions(
        np.array([word for words in target for word in words], np.int64),
        rows,
        labels[rows],
        features[rows],
        diversity.perceptual_hashes(images)[rows],
    )


def novelty(
    predictions: Predictions, training: Predictions, rng: np.random.Generator
) -> Novelty:
    """Compares drawings with the training drawings of the same word."""
    nearest = np.concatenate(
        [
            diversity.distances(
                predictions.hashes[predictions.target == word], candidates
            ).min(axis=1)
            for word in np.unique(predictions.target)
            if len(candidates := training.hashes[training.target == word])
        ]
    )
    return Novelty(mean(nearest, rng), float(np.mean(nearest <= _COPY_BITS)))


def nearest_drawings(
    predictions: Predictions, training: Predictions
) -> np.ndarray:
    """The training drawing whose features are nearest, int64 [K]."""
    rows, _ = metrics.nearest(predictions.features, training.features)
    return training.drawing[rows]
