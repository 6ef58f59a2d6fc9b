"""Results as the JSON has them."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sketcher_tf.data.manifest import Manifest
from sketcher_tf.sketcher import Sketcher


def plain(value: Any) -> Any:
    """Results as JSON has them: dicts, lists, numbers of 6 digits, null."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    elif dataclasses.is_dataclass(value):
        value = vars(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def extensions(sketcher: Sketcher) -> dict[str, bool]:
    """Which of the paper's three extensions a model has."""
    sizes = sketcher.model.config.model
    return {
        "condition": sizes.conditional,
        "influence": sizes.influence != "none",
        "image_autoencoder": sizes.image_latent_size > 0,
    }


def describe_model(sketcher: Sketcher) -> dict[str, Any]:
    """What a model is, for the JSON."""
    return {
        "extensions": extensions(sketcher),
        "parameters": sketcher.model.count_params(),
        "config": sketcher.model.config.to_json(),
    }


def describe_data(manifest: Manifest) -> dict[str, Any]:
    """What a prepared folder is, for the JSON; no paths of this machine."""
    schema = manifest.schema
    return {
        "factors": {f.name: list(f.values) for f in schema.factors},
        "drawings": {n: split.count for n, split in manifest.splits.items()},
        "attribution": manifest.attribution,
    }
