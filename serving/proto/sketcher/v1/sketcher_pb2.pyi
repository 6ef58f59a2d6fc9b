from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Point(_message.Message):
    __slots__ = ("x", "y")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ...) -> None: ...

class Stroke(_message.Message):
    __slots__ = ("points",)
    POINTS_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedCompositeFieldContainer[Point]
    def __init__(self, points: _Optional[_Iterable[_Union[Point, _Mapping]]] = ...) -> None: ...

class Sketch(_message.Message):
    __slots__ = ("strokes", "category", "finished")
    STROKES_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    strokes: _containers.RepeatedCompositeFieldContainer[Stroke]
    category: str
    finished: bool
    def __init__(self, strokes: _Optional[_Iterable[_Union[Stroke, _Mapping]]] = ..., category: _Optional[str] = ..., finished: _Optional[bool] = ...) -> None: ...

class CategoryWeight(_message.Message):
    __slots__ = ("category", "weight")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    category: str
    weight: float
    def __init__(self, category: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ("category", "blend", "count", "temperature", "seed", "tries")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BLEND_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    category: str
    blend: _containers.RepeatedCompositeFieldContainer[CategoryWeight]
    count: int
    temperature: float
    seed: int
    tries: int
    def __init__(self, category: _Optional[str] = ..., blend: _Optional[_Iterable[_Union[CategoryWeight, _Mapping]]] = ..., count: _Optional[int] = ..., temperature: _Optional[float] = ..., seed: _Optional[int] = ..., tries: _Optional[int] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("sketches", "seed")
    SKETCHES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    sketches: _containers.RepeatedCompositeFieldContainer[Sketch]
    seed: int
    def __init__(self, sketches: _Optional[_Iterable[_Union[Sketch, _Mapping]]] = ..., seed: _Optional[int] = ...) -> None: ...

class CompleteRequest(_message.Message):
    __slots__ = ("sketch", "category", "blend", "count", "temperature", "seed", "tries")
    SKETCH_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BLEND_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    sketch: Sketch
    category: str
    blend: _containers.RepeatedCompositeFieldContainer[CategoryWeight]
    count: int
    temperature: float
    seed: int
    tries: int
    def __init__(self, sketch: _Optional[_Union[Sketch, _Mapping]] = ..., category: _Optional[str] = ..., blend: _Optional[_Iterable[_Union[CategoryWeight, _Mapping]]] = ..., count: _Optional[int] = ..., temperature: _Optional[float] = ..., seed: _Optional[int] = ..., tries: _Optional[int] = ...) -> None: ...

class CompleteResponse(_message.Message):
    __slots__ = ("sketches", "seed")
    SKETCHES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    sketches: _containers.RepeatedCompositeFieldContainer[Sketch]
    seed: int
    def __init__(self, sketches: _Optional[_Iterable[_Union[Sketch, _Mapping]]] = ..., seed: _Optional[int] = ...) -> None: ...

class ReconstructRequest(_message.Message):
    __slots__ = ("sketches", "category", "blend", "temperature", "seed")
    SKETCHES_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BLEND_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    sketches: _containers.RepeatedCompositeFieldContainer[Sketch]
    category: str
    blend: _containers.RepeatedCompositeFieldContainer[CategoryWeight]
    temperature: float
    seed: int
    def __init__(self, sketches: _Optional[_Iterable[_Union[Sketch, _Mapping]]] = ..., category: _Optional[str] = ..., blend: _Optional[_Iterable[_Union[CategoryWeight, _Mapping]]] = ..., temperature: _Optional[float] = ..., seed: _Optional[int] = ...) -> None: ...

class ReconstructResponse(_message.Message):
    __slots__ = ("sketches", "seed")
    SKETCHES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    sketches: _containers.RepeatedCompositeFieldContainer[Sketch]
    seed: int
    def __init__(self, sketches: _Optional[_Iterable[_Union[Sketch, _Mapping]]] = ..., seed: _Optional[int] = ...) -> None: ...

class InterpolateRequest(_message.Message):
    __slots__ = ("first", "last", "count", "temperature", "seed")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    first: Sketch
    last: Sketch
    count: int
    temperature: float
    seed: int
    def __init__(self, first: _Optional[_Union[Sketch, _Mapping]] = ..., last: _Optional[_Union[Sketch, _Mapping]] = ..., count: _Optional[int] = ..., temperature: _Optional[float] = ..., seed: _Optional[int] = ...) -> None: ...

class InterpolateResponse(_message.Message):
    __slots__ = ("sketches", "seed")
    SKETCHES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    sketches: _containers.RepeatedCompositeFieldContainer[Sketch]
    seed: int
    def __init__(self, sketches: _Optional[_Iterable[_Union[Sketch, _Mapping]]] = ..., seed: _Optional[int] = ...) -> None: ...

class ListCategoriesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListCategoriesResponse(_message.Message):
    __slots__ = ("categories", "max_points", "model_version")
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    MAX_POINTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedScalarFieldContainer[str]
    max_points: int
    model_version: int
    def __init__(self, categories: _Optional[_Iterable[str]] = ..., max_points: _Optional[int] = ..., model_version: _Optional[int] = ...) -> None: ...

class DrawStart(_message.Message):
    __slots__ = ("category", "blend", "temperature", "seed", "sketch")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BLEND_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SKETCH_FIELD_NUMBER: _ClassVar[int]
    category: str
    blend: _containers.RepeatedCompositeFieldContainer[CategoryWeight]
    temperature: float
    seed: int
    sketch: Sketch
    def __init__(self, category: _Optional[str] = ..., blend: _Optional[_Iterable[_Union[CategoryWeight, _Mapping]]] = ..., temperature: _Optional[float] = ..., seed: _Optional[int] = ..., sketch: _Optional[_Union[Sketch, _Mapping]] = ...) -> None: ...

class DrawChange(_message.Message):
    __slots__ = ("category", "blend")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    BLEND_FIELD_NUMBER: _ClassVar[int]
    category: str
    blend: _containers.RepeatedCompositeFieldContainer[CategoryWeight]
    def __init__(self, category: _Optional[str] = ..., blend: _Optional[_Iterable[_Union[CategoryWeight, _Mapping]]] = ...) -> None: ...

class DrawCancel(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DrawRequest(_message.Message):
    __slots__ = ("start", "change", "cancel")
    START_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    start: DrawStart
    change: DrawChange
    cancel: DrawCancel
    def __init__(self, start: _Optional[_Union[DrawStart, _Mapping]] = ..., change: _Optional[_Union[DrawChange, _Mapping]] = ..., cancel: _Optional[_Union[DrawCancel, _Mapping]] = ...) -> None: ...

class DrawnPoint(_message.Message):
    __slots__ = ("x", "y", "pen_lifted")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    PEN_LIFTED_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    pen_lifted: bool
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., pen_lifted: _Optional[bool] = ...) -> None: ...

class DrawEnd(_message.Message):
    __slots__ = ("finished", "seed")
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    finished: bool
    seed: int
    def __init__(self, finished: _Optional[bool] = ..., seed: _Optional[int] = ...) -> None: ...

class DrawResponse(_message.Message):
    __slots__ = ("points", "end")
    POINTS_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedCompositeFieldContainer[DrawnPoint]
    end: DrawEnd
    def __init__(self, points: _Optional[_Iterable[_Union[DrawnPoint, _Mapping]]] = ..., end: _Optional[_Union[DrawEnd, _Mapping]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("start",)
    START_FIELD_NUMBER: _ClassVar[int]
    start: DrawStart
    def __init__(self, start: _Optional[_Union[DrawStart, _Mapping]] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("points", "end")
    POINTS_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedCompositeFieldContainer[DrawnPoint]
    end: DrawEnd
    def __init__(self, points: _Optional[_Iterable[_Union[DrawnPoint, _Mapping]]] = ..., end: _Optional[_Union[DrawEnd, _Mapping]] = ...) -> None: ...
