"""The command `sketcher`, where it is not installed."""

from sketcher_tf.cli.main import main

if __name__ == "__main__":
    main()
