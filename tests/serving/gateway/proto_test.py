"""The messages, as they are written and as they are checked."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from serving.gateway import requests
from serving.proto.sketcher.v1 import sketcher_pb2 as pb

PROTO = Path(pb.__file__).with_name("sketcher.proto").read_text()

RULES: dict[str, type[BaseModel]] = {
    "Point": requests.Point,
    "Stroke": requests.Stroke,
    "Sketch": requests.Drawing,
    "CategoryWeight": requests.CategoryWeight,
    "GenerateRequest": requests.GenerateRequest,
    "CompleteRequest": requests.CompleteRequest,
    "ReconstructRequest": requests.ReconstructRequest,
    "InterpolateRequest": requests.InterpolateRequest,
    "ListCategoriesRequest": requests.ListCategoriesRequest,
    "WatchRequest": requests.WatchRequest,
    "DrawStart": requests.DrawStart,
    "DrawChange": requests.DrawChange,
}


@pytest.mark.parametrize("name", RULES)
def test_every_field_has_its_rules(name):
    fields = pb.DESCRIPTOR.message_types_by_name[name].fields
    assert {one.name for one in fields} == set(RULES[name].model_fields)


def test_what_is_generated_is_what_is_written():
    written = re.findall(
        r"^ +(?:repeated |optional )?([\w.]+) (\w+) = (\d+);", PROTO, re.M
    )
    generated = [
        (one.name, str(one.number))
        for message in pb.DESCRIPTOR.message_types_by_name.values()
        for one in message.fields
    ]
    assert sorted((n, k) for _, n, k in written) == sorted(generated)
    service = pb.DESCRIPTOR.services_by_name["SketcherService"]
    calls = re.findall(r"rpc (\w+)\((?:stream )?(\w+)\)", PROTO)
    assert calls == [(m.name, m.input_type.name) for m in service.methods]


def test_requests_and_responses_are_of_one_call_each():
    """As `buf lint` has it, so that they can change apart."""
    service = pb.DESCRIPTOR.services_by_name["SketcherService"]
    for method in service.methods:
        assert method.input_type.name == f"{method.name}Request"
        assert method.output_type.name == f"{method.name}Response"
