"""The one style of all command lines, and the command `sketcher`."""

from sketcher_tf.cli.command import Command, needs, refuse_arguments

__all__ = ["Command", "needs", "refuse_arguments"]
