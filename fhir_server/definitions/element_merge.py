"""One ElementDefinition laid over that of the base.

https://hl7.org/fhir/R4/elementdefinition.html#interpretation
"""

from typing import Any

from fhir_server.outcome import DefinitionError

Properties = dict[str, Any]

_ADDED = frozenset(("alias", "code", "condition", "example", "mapping"))
"""What a profile adds to what its base says; anything else it replaces."""


def merged(base: Properties, own: Properties, where: str) -> Properties:
    """`base` with what `own` says; raises DefinitionError, which starts with `where`."""
    if not own:
        return base
    found = dict(base)
    for name, value in own.items():
        if name == "constraint":
            found[name] = _constraints(base.get(name, ()), value, where)
        elif name in _ADDED and isinstance(value, list):
            found[name] = _added(base.get(name, []), value)
        elif name != "base":
            found[name] = value
    _check_cardinality(found, where)
    return found


def _constraints(base: Any, own: Any, where: str) -> list[Any]:
    """Those of the base still hold; one with the same key says it again."""
    for constraint in own:
        for wanted in ("key", "severity"):
            if wanted not in constraint:
                raise DefinitionError(f"{where}: a constraint has no {wanted}")
    keys = {constraint["key"] for constraint in own}
    return [*(constraint for constraint in base if constraint["key"] not in keys), *own]


def _added(base: list[Any], own: list[Any]) -> list[Any]:
    return [*base, *(value for value in own if value not in base)]


def _check_cardinality(found: Properties, where: str) -> None:
    least, most = found.get("min", 0), found.get("max", "*")
    if type(least) is not int or least < 0:
        raise DefinitionError(f"{where}: min is {least!r}, which is not a number")
    if most == "*":
        return
    if not isinstance(most, str) or not most.isdecimal():
        raise DefinitionError(f"{where}: max is {most!r}, which is neither a number nor *")
    if least > int(most):
        raise DefinitionError(f"{where}: min {least} is more than max {most}")
