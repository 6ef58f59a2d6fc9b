"""SVG files, one drawing each: what a viewer shows, as strokes of a pen."""

from sketcher_tf.data.formats.svg.reader import read_svg

__all__ = ["read_svg"]
