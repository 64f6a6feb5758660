"""In- and out-parameters of operations: a query, a Parameters resource, or one bare resource.

https://hl7.org/fhir/R4/operations.html#request, https://hl7.org/fhir/R4/parameters.html
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir_server.interactions.request import Request
from fhir_server.outcome import bad_value, invalid, missing, not_supported
from fhir_server.resource import Resource
from fhir_server.suggestion import choices

_OF_THE_REQUEST = frozenset(("_format", "_pretty", "_summary", "_elements"))
"""They say how to answer, and are no parameters of an operation."""
_BOOLEANS = {"true": True, "false": False}


class Argument(NamedTuple):
    """One parameter that came: a value, a resource, or parts."""

    name: str
    value: Any = None  # as JSON has it; text when it came in a query. None: there is none
    type: str | None = None  # `Coding` of `valueCoding`; None: it came in a query, where all is text
    resource: Resource | None = None
    parts: "Arguments | None" = None


@dataclass(frozen=True, slots=True)
class Arguments:
    """What an operation was called with, in the order in which it came."""

    arguments: tuple[Argument, ...] = ()

    def all(self, name: str) -> list[Argument]:
        return [each for each in self.arguments if each.name == name]

    def one(self, name: str) -> Argument | None:
        """Raises 400 when it came more than once."""
        found = None
        for each in self.arguments:
            if each.name == name:
                if found is not None:
                    times = len(self.all(name))
                    raise invalid(f"{name} was given {times} times, it can be given once", _at(name))
                found = each
        return found

    def values(self, name: str) -> list[Any]:
        """Values of any type, as JSON has them."""
        found = self.all(name)
        for each in found:
            if each.value is None:
                raise bad_value(f"{name} has no value", _at(name))
        return [each.value for each in found]

    def value(self, name: str) -> Any:
        """A value of any type, `{"system": …, "code": …}`; None: it was not given."""
        found = self.one(name)
        if found is not None and found.value is None:
            raise bad_value(f"{name} has no value", _at(name))
        return None if found is None else found.value

    def texts(self, name: str) -> list[str]:
        """Values of a type that JSON has as text: code, uri, dateTime…"""
        found = self.values(name)
        for value in found:
            if not isinstance(value, str):
                raise bad_value(f"{name} takes a text", _at(name))
        return found

    def text(self, name: str) -> str | None:
        found = self.value(name)
        if found is not None and not isinstance(found, str):
            raise bad_value(f"{name} takes a text", _at(name))
        return found

    def required_text(self, name: str) -> str:
        found = self.text(name)
        if not found:
            raise missing(f"the parameter {name} is required", _at(name))
        return found

    def boolean(self, name: str) -> bool | None:
        value = self.value(name)
        if value is None or isinstance(value, bool):
            return value
        if not isinstance(value, str) or value not in _BOOLEANS:
            raise bad_value(f"{name} is {value!r}, it can be true or false", _at(name))
        return _BOOLEANS[value]

    def integer(self, name: str) -> int | None:
        value = self.value(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        text = value.removeprefix("-") if isinstance(value, str) else ""
        if not (text.isascii() and text.isdigit() and len(text) <= 10):
            raise bad_value(f"{name} is {value!r}, it takes an integer", _at(name))
        return int(value)

    def resource(self, name: str) -> Resource | None:
        found = self.one(name)
        if found is not None and found.resource is None:
            raise bad_value(f"{name} takes a resource", _at(name))
        return None if found is None else found.resource

    def parts(self, name: str) -> "list[Arguments]":
        """Of a parameter that consists of parts, once for each time it came."""
        return [each.parts or Arguments() for each in self.all(name)]


def arguments(request: Request, known: Collection[str], *, bare: str | None = None) -> Arguments:
    """What `request` gives to an operation whose in-parameters are `known`.

    bare: the parameter that a body means which is no Parameters resource; None: there must not be one.
    Raises 400 for what the operation does not know, with the nearest that it does.
    """
    found = [Argument(name, value) for name, value in request.parameters if name not in _OF_THE_REQUEST]
    if request.resource is not None:
        if request.resource.get("resourceType") == "Parameters":
            found += of_parameters(request.resource).arguments
        elif bare is not None:
            found.append(Argument(bare, resource=request.resource))
        else:
            raise invalid("the body must be a Parameters resource", "Parameters")
    for each in found:
        if each.name not in known:
            raise not_supported(f"{each.name!r} is not a parameter here{choices(each.name, known)}")
    return Arguments(tuple(found))


def of_parameters(resource: Resource) -> Arguments:
    """Parameters as they stand in a resource; raises 400 where it is none."""
    return _arguments(resource.get("parameter", []), "Parameters.parameter")


def _arguments(parameters: Any, at: str) -> Arguments:
    if not isinstance(parameters, list):
        raise invalid(f"{at} must be an array", at)
    return Arguments(tuple(_argument(each, f"{at}[{index}]") for index, each in enumerate(parameters)))


def _argument(parameter: Any, at: str) -> Argument:
    if not isinstance(parameter, dict) or not isinstance(parameter.get("name"), str):
        raise missing(f"{at} has no name", at)
    name = parameter["name"]
    types = [each for each in parameter if each.startswith("value")]
    resource = parameter.get("resource")
    if len(types) + ("resource" in parameter) + ("part" in parameter) > 1:
        raise invalid(f"{name} must have one of value, resource and part", at)
    if "resource" in parameter and not isinstance(resource, dict):
        raise invalid(f"{at}.resource must be a resource", f"{at}.resource")
    parts = _arguments(parameter["part"], f"{at}.part") if "part" in parameter else None
    if types:
        type_name = types[0].removeprefix("value")
        return Argument(name, parameter[types[0]], type_name)
    return Argument(name, resource=resource, parts=parts)


def _at(name: str) -> str:
    return f"Parameters.parameter.where(name = '{name}')"


def part(name: str, content: Mapping[str, Any] | None = None, /, **value: Any) -> dict[str, Any]:
    """One out-parameter: `part("result", valueBoolean=True)`, `part("return", resource=found)`.

    content: the same as keywords, for names that are computed.
    """
    return {"name": name, **(content or {}), **value}


def parameters(*parts: dict[str, Any]) -> Resource:
    """The Parameters resource of `parts`."""
    return (
        {"resourceType": "Parameters", "parameter": list(parts)} if parts else {"resourceType": "Parameters"}
    )
