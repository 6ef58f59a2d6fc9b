"""Recurrent cores: one step, and fast loops over whole sequences."""
