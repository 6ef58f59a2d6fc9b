"""The models of an evaluation, by name."""

from collections.abc import Sequence
from pathlib import Path

from sketcher_tf.files import exists
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.training.run_folder import model_file

REAL = "real"  # the name of the drawings that people made
ONE_TRY = ", one try"  # ends the name of a model that draws without its critic


def load_models(texts: Sequence[str]) -> dict[str, Sketcher]:
    """Loads models given as paths, or as `name=path`.

    One with a critic comes a second time, drawing without it: "name, one try".

    Args:
        texts: without a name, a model has that of its run folder or file; none
            at all are the newest run.

    Raises:
        ValueError: two models of one name, or a name that is taken.
        FileNotFoundError: there is no model at a path.
    """
    named = [_name_and_path(text) for text in texts] or [
        _name_and_path(str(model_file()))
    ]
    names = [name for name, _ in named]
    for name in names:
        if not name or name == REAL or names.count(name) > 1:
            raise ValueError(
                "every model needs a name of its own, other than "
                f"{REAL!r}; received {', '.join(map(repr, names))}. Write "
                "--model=name=path."
            )
    models = {}
    for name, path in named:
        models[name] = sketcher = Sketcher.load(path)
        if sketcher.has_critic:
            models[name + ONE_TRY] = Sketcher(sketcher.model, tries=1)
    return models


def _name_and_path(text: str) -> tuple[str, Path]:
    name, equals, named = text.partition("=")
    if equals and not exists(Path(text)):
        return name.strip(), Path(named)
    path = Path(text)
    # Every finished run has a model.keras: its folder tells more.
    if path.name == "model.keras":
        return path.absolute().parent.name, path
    return path.absolute().name.removesuffix(".keras"), path
