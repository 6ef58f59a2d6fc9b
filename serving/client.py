"""The client: the command, and the names of `sketcher_tf.client`.

python -m serving.client --category=cat --output=cat.svg
"""

from sketcher_tf.client import SketcherClient
from sketcher_tf.client.cli import COMMAND, main

__all__ = ["SketcherClient"]

if __name__ == "__main__":
    COMMAND.run(main)
