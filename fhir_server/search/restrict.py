"""The rows of some columns, out of all that a resource has."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from fhir_server.store.rows import Rows

_INSTANCES = "instances"
_SETS = tuple(field.name for field in fields(Rows) if field.name != _INSTANCES)


def restricted(rows: Rows, wanted: Callable[[str], bool]) -> Rows:
    """wanted: whether rows of this name are meant. Instances keep their places."""
    found: dict[str, Any] = {name: {row for row in getattr(rows, name) if wanted(row[0])} for name in _SETS}
    return Rows(**found, instances=[restricted(instance, wanted) for instance in rows.instances])
