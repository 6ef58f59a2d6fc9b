"""Measuring what a model draws, against what people draw."""
