"""AI-Sketcher in Keras: train on pen strokes, draw, complete, serve.

    import sketcher_tf as sk

    sk.Sketcher.load().generate("crab", count=8)

The names below are imported when they are first used, so that importing
`sketcher_tf.strokes` or the client does not load TensorFlow.
"""

import importlib

__version__ = "0.1.0"

_HOMES = {
    "AsyncSketcherClient": "sketcher_tf.client",
    "Sketch": "sketcher_tf.sketches",
    "Sketcher": "sketcher_tf.sketcher",
    "SketcherClient": "sketcher_tf.client",
    "Sketches": "sketcher_tf.sketches",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
