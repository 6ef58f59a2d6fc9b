"""Readers of the files that hold drawings, one format per module."""
