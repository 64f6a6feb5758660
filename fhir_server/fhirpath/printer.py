"""A syntax tree back to text: the inverse of `parse`, with no more parentheses than needed."""

import re
from collections.abc import Callable
from typing import Any

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.parser import KEYWORDS, LEVELS, NAME_KEYWORDS

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SPECIAL = re.compile(r"['\\\x00-\x1f\ud800-\udfff]")
_SPECIAL_NAME = re.compile(r"[`\\\x00-\x1f\ud800-\udfff]")
_LETTERS = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "'": "\\'", "`": "\\`", "\\": "\\\\"}

_POLARITY = max(LEVELS.values()) + 1
_TERM = _POLARITY + 1


def print_expression(node: ast.Node) -> str:
    return _PRINTERS[type(node)](node)


def _within(node: ast.Node, loosest: int) -> str:
    """`node` as an operand that has to bind at least as tightly as `loosest`."""
    text = print_expression(node)
    return text if _level(node) >= loosest else f"({text})"


def _level(node: ast.Node) -> int:
    match node:
        case ast.Binary(operator):
            return LEVELS[operator]
        case ast.Union():
            return LEVELS["|"]
        case ast.Is() | ast.As():
            return LEVELS["is"]
        case ast.Polarity():
            return _POLARITY
        case _:
            return _TERM


def _escape(match: re.Match[str]) -> str:
    return _LETTERS.get(match.group()) or f"\\u{ord(match.group()):04x}"


def _string(text: str) -> str:
    return f"'{_SPECIAL.sub(_escape, text)}'"


def _name(text: str, *, at_start: bool = False) -> str:
    plain = _PLAIN.fullmatch(text) and text not in KEYWORDS and not (at_start and text in NAME_KEYWORDS)
    return text if plain else f"`{_SPECIAL_NAME.sub(_escape, text)}`"


def _focus(node: ast.Node | None) -> str:
    return "" if node is None else _within(node, _TERM) + "."


def _path(node: ast.Path) -> str:
    return _focus(node.focus) + _name(node.name, at_start=node.focus is None)


def _function(node: ast.Function) -> str:
    arguments = ", ".join(print_expression(argument) for argument in node.arguments)
    return f"{_focus(node.focus)}{_name(node.name, at_start=node.focus is None)}({arguments})"


def _indexer(node: ast.Indexer) -> str:
    return f"{_within(node.focus, _TERM)}[{print_expression(node.index)}]"


def _variable(node: ast.Variable) -> str:
    return f"%{_name(node.name)}"


def _quantity(node: ast.Quantity) -> str:
    return f"{node.number} {node.unit if node.calendar else _string(node.unit)}"


def _polarity(node: ast.Polarity) -> str:
    return node.operator + _within(node.operand, _POLARITY)


def _binary(node: ast.Binary) -> str:
    level = LEVELS[node.operator]
    return f"{_within(node.left, level)} {node.operator} {_within(node.right, level + 1)}"


def _union(node: ast.Union) -> str:
    return " | ".join(_within(operand, LEVELS["|"] + 1) for operand in node.operands)


def _order(node: ast.Order) -> str:
    return f"{print_expression(node.key)}{' desc' if node.descending else ''}"


def _type(node: ast.TypeSpecifier) -> str:
    return _name(node.name) if node.namespace is None else f"{_name(node.namespace)}.{_name(node.name)}"


def _is(node: ast.Is) -> str:
    return f"{_within(node.operand, LEVELS['is'])} is {_type(node.type)}"


def _as(node: ast.As) -> str:
    return f"{_within(node.operand, LEVELS['as'])} as {_type(node.type)}"


def _instance(node: ast.Instance) -> str:
    names = [each for each in (node.type.namespace, node.type.name) if each is not None]
    type_ = ".".join(_name(name, at_start=index == 0) for index, name in enumerate(names))
    elements = ", ".join(map(print_expression, node.elements))
    return f"{type_} {{ {elements} }}" if elements else f"{type_} {{:}}"


def _instance_element(node: ast.InstanceElement) -> str:
    return f"{_name(node.name)}: {print_expression(node.value)}"


_PRINTERS: dict[type[ast.Node], Callable[[Any], str]] = {
    ast.Empty: lambda node: "{}",
    ast.Boolean: lambda node: "true" if node.value else "false",
    ast.String: lambda node: _string(node.value),
    ast.Number: lambda node: node.text,
    ast.Date: lambda node: f"@{node.text}",
    ast.DateTime: lambda node: f"@{node.text}",
    ast.Time: lambda node: f"@T{node.text}",
    ast.Quantity: _quantity,
    ast.This: lambda node: "$this",
    ast.Index: lambda node: "$index",
    ast.Total: lambda node: "$total",
    ast.Variable: _variable,
    ast.Path: _path,
    ast.Function: _function,
    ast.Indexer: _indexer,
    ast.Polarity: _polarity,
    ast.Binary: _binary,
    ast.Union: _union,
    ast.Order: _order,
    ast.TypeSpecifier: _type,
    ast.Is: _is,
    ast.As: _as,
    ast.Instance: _instance,
    ast.InstanceElement: _instance_element,
}
