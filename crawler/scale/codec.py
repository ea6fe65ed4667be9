"""Our frozen dataclasses as JSON and back. Never pickle: who can write to Redis could run code."""

import base64
import dataclasses
import functools
import json
import types
import typing
import zlib
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")

# A result unpacked may be this large; one page is limited to a few megabytes.
MAX_BYTES = 64_000_000


def pack(value: Any) -> bytes:
    """A dataclass as compressed JSON."""
    text = json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)


def unpack(kind: type[T], data: bytes) -> T:
    """The dataclass of that kind. Raises ValueError for anything else."""
    try:
        inflate = zlib.decompressobj()
        text = inflate.decompress(data, MAX_BYTES)
        if inflate.unconsumed_tail:
            raise ValueError(f"more than {MAX_BYTES:,} bytes")
        return typing.cast(T, _typed(kind, json.loads(text.decode("utf-8", "surrogatepass"))))
    except (zlib.error, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a {kind.__name__}: {error!r}"[:200]) from error


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in _fields(type(value))}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [_plain(item) for item in sorted(value)]
    return value


def _typed(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        kinds = [item for item in arguments if item is not type(None)]
        return None if value is None else _typed(kinds[0], value)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_typed(arguments[0], item) for item in value)
        return tuple(_typed(kind, item) for kind, item in zip(arguments, value, strict=True))
    if origin is frozenset:
        return frozenset(_typed(arguments[0], item) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        return {key: _typed(arguments[1], item) for key, item in value.items()}
    if hint is Any or hint is object:
        return value
    if dataclasses.is_dataclass(hint):
        hints = _fields(typing.cast(type, hint))
        return hint(**{name: _typed(hints[name], item) for name, item in value.items()})  # type: ignore[operator]
    if issubclass(hint, Enum):
        return hint(value)
    if hint is bytes:
        return base64.b64decode(value, validate=True)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise TypeError(f"{value!r} is no {hint.__name__}")
    return value


@functools.cache
def _fields(kind: type) -> Mapping[str, Any]:
    hints = typing.get_type_hints(kind)
    return {item.name: hints[item.name] for item in dataclasses.fields(kind)}
