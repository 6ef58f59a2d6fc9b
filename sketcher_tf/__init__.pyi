"""What `__init__.py` imports when it is asked, for type checkers."""

from sketcher_tf.client import AsyncSketcherClient as AsyncSketcherClient
from sketcher_tf.client import SketcherClient as SketcherClient
from sketcher_tf.sketcher import Sketcher as Sketcher
from sketcher_tf.sketches import Sketch as Sketch
from sketcher_tf.sketches import Sketches as Sketches

__all__: list[str]
__version__: str
