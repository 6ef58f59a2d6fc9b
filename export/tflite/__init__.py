"""The model as one file that LiteRT runs on phones."""
