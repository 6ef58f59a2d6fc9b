import dataclasses
import json

import numpy as np
import pytest

from sketcher_tf import contract
from sketcher_tf.contract import Code, Metadata, Tensor, code_of

METADATA = Metadata(
    schema={"factors": [], "max_seq_len": 9, "image_size": 16},
    condition_size=3,
    latent_size=4,
    config={"model": {"rnn": "lstm"}},
    training={"run": "toys", "val_loss": 0.1},
)
SIGNATURES = [
    signature
    for servable in contract.SERVABLES
    for signature in servable.signatures.values()
]


def test_a_code_is_found_in_what_a_server_says():
    for code in Code:
        text = f"assertion failed: [{code}: a rule; received] [3] [. Do it.]"
        assert code_of(text) is code
    assert code_of("Session 3 was not found: STEP_GAPS: SESSION") is None
    assert code_of("MY_STEP_GAP: 1") is None
    rows = "Batching Run() input tensors must have equal 0th-dimension size"
    assert code_of(rows) is Code.INVALID_SHAPE


def test_shapes_take_the_sizes_of_a_model():
    shape = Tensor("image", "uint8", ("B", "S", "2")).shape_for(METADATA.sizes)
    assert shape == (None, 16, 2)
    assert METADATA.sizes["T"] == 10


def test_metadata_come_back_from_text():
    assert Metadata.loads(METADATA.dumps()) == METADATA


def test_metadata_of_another_contract_are_refused():
    values = json.loads(METADATA.dumps())
    for other in (contract.VERSION + 1, 0, None):
        with pytest.raises(ValueError, match=r"version 1 or 2 .*received"):
            Metadata.loads(json.dumps(values | {"contract": other}))
    del values["contract"]
    with pytest.raises(ValueError, match="received None"):
        Metadata.loads(json.dumps(values))


def test_metadata_of_version_1_are_understood():
    values = json.loads(METADATA.dumps()) | {"contract": 1}
    del values["fingerprint"]
    assert Metadata.loads(json.dumps(values)).fingerprint == ""


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda x: x.name)
def test_tensors_are_of_known_kinds_and_sizes(signature):
    known = {*METADATA.sizes, "B", "P", "L", "K", "2", "5"}
    for tensor in (*signature.inputs, *signature.outputs):
        np.dtype(tensor.dtype.replace("string", "object"))
        assert known.issuperset(tensor.shape)
    names = [tensor.name for tensor in signature.inputs]
    assert len(names) == len(set(names))


def test_batched_calls_have_rows_first_and_others_none():
    for servable in contract.SERVABLES:
        batched = servable is contract.SKETCHER
        for signature in servable.signatures.values():
            for tensor in (*signature.inputs, *signature.outputs):
                assert (tensor.shape[:1] == ("B",)) == batched
                assert "B" not in tensor.shape[1:]


def test_the_contract_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        contract.GENERATE.name = "other"


def test_a_critic_needs_words_to_tell_apart():
    def has_critic(*words, units=4):
        config = {"model": {"critic_units": units}}
        schema = {"factors": [{"name": "category", "values": list(words)}]}
        return dataclasses.replace(
            METADATA, schema=schema, config=config
        ).has_critic

    assert has_critic("cat", "pig")
    assert not has_critic("cat", "pig", units=0)
    assert not has_critic("cat")
