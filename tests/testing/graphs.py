"""Whether TensorFlow optimizes graphs before it runs them.

Grappler pays in long runs only: most graphs of tests run once or twice, which
takes less time than to optimize them. So it is off in tests, but where one is
about what users run; commands in processes of their own have it always.
"""


def optimize(on: bool) -> None:
    """Turns Grappler on or off, for graphs that have not yet run."""
    import tensorflow as tf

    settings = {"disable_meta_optimizer": not on}
    tf.config.optimizer.set_experimental_options(settings)
