"""Benchmarks: ours and the alternatives in turn, in one call, as ratios."""
