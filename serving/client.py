"""The client: the command, and the names of `sketcher_tf.client`.

python -m serving.client generate --category=cat --output=cat.svg
"""

from sketcher_tf.client import SketcherClient
from sketcher_tf.client.cli import run

__all__ = ["SketcherClient"]

if __name__ == "__main__":
    run(SketcherClient)
