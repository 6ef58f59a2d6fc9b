"""The model as one file that LiteRT runs on phones."""

QUANTIZATIONS = ("none", "float16", "int8")  # precisions of the weights
