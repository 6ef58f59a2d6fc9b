"""From a model to the bytes of a .tflite file, in one of three precisions.

`float16` halves the weights of the matrix products. `int8` quantises them, per
row, to 8 bits and computes with activations quantised as they come (dynamic
range). The mixture head keeps its floats, as the density is sharp in it.
"""

import tempfile
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from ai_edge_quantizer import quantizer
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.qtyping import TFLOperationName
from ai_edge_quantizer.recipe_manager import RecipeManager

from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.sampling import CANDIDATES

from .encoder import PhoneEncoder
from .graph import PhoneGraph
from .metadata import with_metadata

VERSION = 1  # of the signatures and the metadata
_PRODUCTS = (TFLOperationName.FULLY_CONNECTED, TFLOperationName.CONV_2D)


def convert(model: AISketcher, encoder: bool = True) -> bytes:
    """A file's content in float32: frozen weights, built-in operations.

    Args:
        model: draws.
        encoder: whether the file can also encode drawings.
    """
    signatures = PhoneGraph(model).concrete()
    if encoder:
        signatures |= PhoneEncoder(model).concrete()
    # Of values only, so that nothing is stored besides the signatures.
    root = tf.Module()
    root.weights = [variable.value for variable in model.variables]
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(root, folder, signatures=signatures)
        # From a SavedModel the converter freezes variables, also those that
        # loops read; of Keras layers it would leave READ_VARIABLE behind.
        return tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(signatures)
        ).convert()


def finish(content: bytes, model: AISketcher, quantize: str) -> bytes:
    """The converted content in a precision, with metadata.

    Args:
        content: from `convert`.
        model: that it was made of.
        quantize: one of `QUANTIZATIONS`.
    """
    if quantize != "none":
        recipe = _recipe(model, quantize).get_quantization_recipe()
        engine = quantizer.Quantizer(content, recipe)
        content = bytes(engine.quantize().quantized_model)
    return with_metadata(content, _metadata(model, quantize))


def _recipe(model: AISketcher, quantize: str) -> RecipeManager:
    recipe = RecipeManager()
    for product in _PRODUCTS:
        if quantize == "float16":
            recipe.add_weight_only_config(
                ".*",
                product,
                num_bits=16,
                algorithm_key=AlgorithmName.FLOAT_CASTING,
            )
        else:
            recipe.add_dynamic_config(".*", product, num_bits=8)
    if quantize == "int8":
        head = model.decoder.output_projection.name
        recipe.add_quantization_config(
            rf"(^|/){head}(_\d+)?/",
            TFLOperationName.FULLY_CONNECTED,
            algorithm_key=AlgorithmName.NO_QUANTIZE,
        )
    return recipe


def _metadata(model: AISketcher, quantize: str) -> Mapping[str, Any]:
    schema, critic = model.schema, model.critic
    enough = [] if critic is None else critic.enough.numpy().tolist()
    return {
        "version": VERSION,
        "factors": [
            {"name": factor.name, "values": list(factor.values)}
            for factor in schema.factors
        ],
        "scale_factor": schema.scale_factor,  # pixels per unit of an offset
        "max_seq_len": schema.max_seq_len,
        "candidates": CANDIDATES,
        "quantization": quantize,
        # Log p of each value, at which what `recognize` says is enough.
        "enough": [round(log_p, 4) for log_p in enough],
    }
