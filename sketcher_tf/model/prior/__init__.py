"""Latents without a drawing: the prior, and how it is fitted."""
