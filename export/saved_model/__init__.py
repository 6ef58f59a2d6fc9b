"""The decoder as two servables for TensorFlow Serving."""
