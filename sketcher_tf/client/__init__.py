"""Sketches over gRPC, as Python objects: the client of a server of models.

    from sketcher_tf.client import SketcherClient

    with SketcherClient("localhost:8500") as client:
        print(client.generate("cat")[0].to_svg())

It needs gRPC, protobuf, NumPy and Pillow, and no TensorFlow.
"""

from sketcher_tf.client.aio import AsyncSketcherClient
from sketcher_tf.client.blocking import SketcherClient
from sketcher_tf.client.channel import Tls

__all__ = ["AsyncSketcherClient", "SketcherClient", "Tls"]
