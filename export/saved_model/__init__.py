"""The decoder as two servables for TensorFlow Serving."""

DEFAULT_CAPACITY = 1024  # sessions that a server keeps
