"""Keras layers of the model, one part of the paper per module."""
