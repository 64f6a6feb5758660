"""JSON Patch: https://www.rfc-editor.org/rfc/rfc6902

A document that is no JSON Patch is refused with 400; one that does not fit the resource, because a place is
not there or a `test` fails, with 422 (https://www.rfc-editor.org/rfc/rfc5789#section-2.2).
"""

import re
from collections.abc import Callable
from typing import Any

import jsonpatch
import jsonpointer

from fhir_server.outcome import FhirError, Issue, bad_value, malformed, too_costly, unprocessable
from fhir_server.resource import Resource

OPERATION_LIMIT = 1000

# members that each operation needs beside `op` and `path`
_MEMBERS = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")


def read(document: object) -> Callable[[Resource], Resource]:
    """The change that a JSON Patch describes."""
    if not isinstance(document, list):
        raise malformed("a JSON Patch is an array of operations")
    if len(document) > OPERATION_LIMIT:
        raise too_costly(f"{len(document)} operations, at most {OPERATION_LIMIT} are allowed")
    for index, operation in enumerate(document):
        _require_operation(operation, index)

    def apply(resource: Resource) -> Resource:
        changed: Any = resource
        for index, operation in enumerate(document):
            changed = _apply(changed, operation, index)
        if not isinstance(changed, dict):
            raise _refused("the patched document is not a JSON object")
        for operation in document:
            _drop_empty(changed, operation)
        return changed

    return apply


def _require_operation(operation: object, index: int) -> None:
    if not isinstance(operation, dict):
        raise malformed(f"operation {index} of the patch is not an object")
    name = operation.get("op")
    if not isinstance(name, str) or name not in _MEMBERS:
        raise bad_value(
            f"operation {index} of the patch: op is {name!r}, it must be one of {', '.join(_MEMBERS)}"
        )
    for member in ("path", *_MEMBERS[name]):
        if member not in operation:
            raise malformed(f"operation {index} of the patch: {name} needs {member!r}")
        if member != "value":
            _require_pointer(operation[member], f"operation {index} of the patch: {member}")


def _require_pointer(pointer: object, name: str) -> None:
    if not isinstance(pointer, str) or _POINTER.fullmatch(pointer) is None:
        raise bad_value(f"{name} is {pointer!r}, it must be a JSON Pointer such as '/name/0'")


def _apply(document: Any, operation: dict[str, Any], index: int) -> Any:
    try:
        # the first operation copies: a resource is never changed in place
        return jsonpatch.JsonPatch([operation]).apply(document, in_place=index > 0)
    except jsonpatch.JsonPatchTestFailed:
        raise _refused(f"operation {index} of the patch: the test of {operation['path']!r} fails") from None
    # older releases of the library let TypeError out when a path goes on behind a text or a number
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError):
        places = " and ".join(repr(operation[name]) for name in ("from", "path") if name in operation)
        text = f"operation {index} of the patch: {operation['op']} does not fit the resource at {places}"
        raise _refused(text) from None


def _refused(text: str) -> FhirError:
    return unprocessable([Issue("error", "processing", text)])


def _drop_empty(document: Resource, operation: dict[str, Any]) -> None:
    """Drop the array or object that lost its last member: FHIR has no empty ones.

    Only at the end, since a later operation may have filled it again.
    """
    member = {"remove": "path", "move": "from"}.get(operation["op"])
    parts = jsonpointer.JsonPointer(operation[member]).parts[:-1] if member else []
    while parts:
        try:
            holder, last = jsonpointer.JsonPointer.from_parts(parts).to_last(document)
            if holder[last] not in ([], {}):
                return
            del holder[last]
        except (jsonpointer.JsonPointerException, LookupError, TypeError):
            return
        parts = parts[:-1]
