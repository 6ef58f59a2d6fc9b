"""What the command lines share."""

from collections.abc import Sequence


def refuse_arguments(argv: Sequence[str], example: str) -> None:
    """Only flags are understood: the rest is often a glob without quotes.

    Args:
        argv: the program's name, and what absl took for no flag.
        example: how to write it.

    Raises:
        ValueError: there is more than the name.
    """
    if len(argv) > 1:
        raise ValueError(
            f"everything is given by flags; received {list(argv[1:])}. Write "
            f"for example {example}; quote names with * in them."
        )
