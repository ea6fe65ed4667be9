"""An item of the shared queue: a waiting URL, and what the writer knows of its host."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from crawler.store.queries import Queued

_NAMES = tuple(field.name for field in dataclasses.fields(Queued))


@dataclass(frozen=True, slots=True)
class Item:
    """`accused`: a report accuses the host. `guilty`: its domain showed a scam before."""

    queued: Queued
    accused: bool = False
    guilty: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.queued.url, self.queued.profile

    def encode(self) -> bytes:
        """The same bytes for the same item, so that it waits but once."""
        values = [getattr(self.queued, name) for name in _NAMES]
        marks = [int(self.accused), int(self.guilty)]
        return json.dumps([values, marks], ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> "Item":
        """Raises ValueError for what another version wrote."""
        try:
            values, (accused, guilty) = json.loads(data)
            named: dict[str, Any] = dict(zip(_NAMES, values, strict=True))
            return cls(Queued(**named), bool(accused), bool(guilty))
        except (TypeError, ValueError) as error:
            raise ValueError(f"not an item of this version: {data[:80]!r}") from error
