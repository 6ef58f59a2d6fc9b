"""AI-Sketcher in Keras: train on pen strokes, draw, complete, serve.

Kept empty, so that importing `sketcher_tf.strokes` does not load TensorFlow.
"""
