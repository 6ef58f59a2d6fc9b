"""The service as JSON over HTTP, and as pictures, with an OpenAPI document.

    curl localhost:8080/v1/sketches:generate -d '{"category": "cat"}'

With `Accept: image/svg+xml` or `image/png` the answer is the picture.
"""

import io
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Header, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from prometheus_client import CollectorRegistry, make_asgi_app
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from sketcher_tf import __version__
from sketcher_tf.client.errors import ServingError
from sketcher_tf.rendering import sheet_png, to_png
from sketcher_tf.sketches import Sketch, Sketches
from sketcher_tf.strokes import polylines_to_stroke3

from ..proto.sketcher.v1 import sketcher_pb2 as pb
from . import requests
from .connect import PATH, ConnectApp
from .guard import Guard, Limits
from .refusals import CODE, Refusal, refusal_of
from .service import SketcherService, SketchesResponse

_SVG, _PNG = "image/svg+xml", "image/png"
_PIXELS = 256
_STATUS_OF_GRPC_WEB = (
    "grpc-status",
    "grpc-message",
    "grpc-status-details-bin",
)

# google.rpc.Status holds its details as messages of any kind.
_ = error_details_pb2.DESCRIPTOR


def make_app(
    service: SketcherService,
    guard: Guard,
    limits: Limits,
    registry: CollectorRegistry,
    cors_origins: Sequence[str] = (),
) -> ASGIApp:
    """The application, for any ASGI server."""
    app = FastAPI(
        title="sketcher.v1",
        version=__version__,
        description="A machine that draws by strokes.",
    )
    app.mount("/metrics", make_asgi_app(registry))
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["Retry-After", *_STATUS_OF_GRPC_WEB],
    )
    app.exception_handler(Refusal)(_refuse)
    app.exception_handler(ValidationError)(_refuse)
    _add_drawing(app, service, guard, limits.message_bytes)
    _add_health(app, service)
    app.mount(PATH, ConnectApp(service, guard, limits))
    return app


def _add_drawing(
    app: FastAPI, service: SketcherService, guard: Guard, most: int
) -> None:
    def route(
        name: str,
        kind: type[BaseModel],
        work: Callable[..., Awaitable[SketchesResponse]],
    ) -> None:
        async def endpoint(
            body: Request,
            accept: Annotated[str, Header()] = "",
            x_timeout_seconds: Annotated[float | None, Header(gt=0)] = None,
        ) -> Response:
            call = guard.call(
                name.title(), "http", body.headers, x_timeout_seconds
            )
            async with call as seconds:
                wanted = kind.model_validate_json(await _body(body, most))
                answer = await work(wanted, seconds)
            return _shown(answer, accept)

        app.post(
            f"/v1/sketches:{name}",
            operation_id=name,
            summary=(work.__doc__ or "").partition(".")[0],
            openapi_extra=_document(kind),
        )(endpoint)

    route("generate", requests.GenerateRequest, service.generate)
    route("complete", requests.CompleteRequest, service.complete)
    route("reconstruct", requests.ReconstructRequest, service.reconstruct)
    route("interpolate", requests.InterpolateRequest, service.interpolate)

    @app.get("/v1/categories", operation_id="listCategories")
    async def list_categories(body: Request) -> Response:
        """The words of the model."""
        call = guard.call("ListCategories", "http", body.headers, None)
        async with call as seconds:
            wanted = requests.ListCategoriesRequest()
            answer = await service.list_categories(wanted, seconds)
        return JSONResponse(_as_json(answer))


async def _body(request: Request, most: int) -> bytes:
    """The body, of at most so many bytes."""
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise Refusal(
                    CODE.INVALID_ARGUMENT,
                    f"a request may have {most} bytes; received more. Send "
                    "fewer or simpler drawings.",
                )
    except ClientDisconnect as error:
        raise Refusal(CODE.CANCELLED, "the caller has gone.") from error
    return bytes(body)


def _add_health(app: FastAPI, service: SketcherService) -> None:
    @app.get("/healthz", operation_id="health")
    async def health() -> dict[str, str]:
        """The gateway itself is alive."""
        return {"status": "ok"}

    @app.get("/readyz", operation_id="ready")
    async def ready(servable: str = "") -> dict[str, str]:
        """A sketch has just been drawn, by both servables or by one."""
        try:
            await service.probe(servable)
        except ServingError as error:
            raise refusal_of(error) from error
        return {"status": "ok"}


def _document(kind: type[BaseModel]) -> dict[str, Any]:
    """What the OpenAPI document says of a request and its answers."""
    answers = {
        "200": {
            "description": "Sketches; see sketcher.proto.",
            "content": {
                "application/json": {"schema": _SKETCHES},
                _SVG: {},
                _PNG: {},
            },
        }
    }
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs", {})
    body = {"application/json": {"schema": _inlined(schema, definitions)}}
    return {"requestBody": {"content": body}, "responses": answers}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """A schema without references, so that it stands alone."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return _inlined(definitions[name], definitions)
    return {k: _inlined(v, definitions) for k, v in schema.items()}


_SKETCHES = {
    "type": "object",
    "properties": {
        "sketches": {
            "type": "array",
            "items": _inlined(
                requests.Drawing.model_json_schema(),
                requests.Drawing.model_json_schema().get("$defs", {}),
            ),
        },
        "seed": {"type": "integer"},
    },
}


def _as_json(message: Message) -> dict[str, Any]:
    return MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )


def _shown(answer: SketchesResponse, accept: str) -> Response:
    """The sketches in the form that is wanted."""
    for kind, draw in ((_SVG, _svg), (_PNG, _png)):
        if kind in accept:
            sketches = [_sketch(one) for one in answer.sketches]
            return Response(draw(sketches), media_type=kind)
    return JSONResponse(_as_json(answer))


def _svg(sketches: list[Sketch]) -> bytes:
    if len(sketches) == 1:
        return sketches[0].to_svg(_PIXELS).encode()
    return Sketches(sketches).to_svg().encode()


def _png(sketches: list[Sketch]) -> bytes:
    buffer = io.BytesIO()
    if len(sketches) == 1:
        picture = to_png(sketches[0], _PIXELS)
    else:
        picture = sheet_png({"": sketches})
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _sketch(message: pb.Sketch) -> Sketch:
    lines = [
        np.array([(point.x, point.y) for point in stroke.points])
        for stroke in message.strokes
    ]
    return Sketch(
        polylines_to_stroke3(lines), message.category, message.finished
    )


async def _refuse(request: Request, error: Exception) -> Response:
    refusal = refusal_of(error)
    headers = {}
    if refusal.retry_seconds:
        headers["Retry-After"] = str(refusal.retry_seconds)
    return JSONResponse(
        {"error": _as_json(refusal.to_status())}, refusal.http_status, headers
    )
