"""Drawings that programs of this project make."""
