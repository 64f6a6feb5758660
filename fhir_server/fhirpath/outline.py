"""A syntax tree as FHIRPath Lab draws it.

https://github.com/brianpos/fhirpath-lab/blob/master/server-api.md#ast-definition
"""

from collections.abc import Callable
from typing import Any

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.printer import print_expression

_Described = tuple[str, str, tuple[ast.Node | None, ...]]
"""The kind, the name, and what is below; None: the item at which the expression starts."""

_FOCUS = {"ExpressionType": "AxisExpression", "Name": "builtin.that"}


def outline(node: ast.Node) -> dict[str, Any]:
    """`{"ExpressionType", "Name", "Arguments", "Position", "Length"}`: where the name stands in the text.

    What comes before a dot is the first argument.
    """
    kind, name, below = _DESCRIBED.get(type(node), _constant)(node)
    found: dict[str, Any] = {"ExpressionType": kind, "Name": name}
    if below:
        found["Arguments"] = [_FOCUS if each is None else outline(each) for each in below]
    # a text stands there with its quotes, a variable with its sign
    written = print_expression(node) if isinstance(node, ast.Variable | ast.String) else name
    return found | {"Position": node.at, "Length": len(written)}


def _constant(node: ast.Node) -> _Described:
    name = node.value if isinstance(node, ast.String) else print_expression(node)
    return "ConstantExpression", name, ()


def _axis(node: ast.Node) -> _Described:
    return "AxisExpression", print_expression(node), ()


def _binary(name: str, *operands: ast.Node) -> _Described:
    return "BinaryExpression", name, operands


_DESCRIBED: dict[type[ast.Node], Callable[[Any], _Described]] = {
    ast.Path: lambda node: ("ChildExpression", node.name, (node.focus,)),
    ast.Function: lambda node: ("FunctionCallExpression", node.name, (node.focus, *node.arguments)),
    ast.Indexer: lambda node: ("IndexerExpression", "[]", (node.focus, node.index)),
    ast.Binary: lambda node: _binary(node.operator, node.left, node.right),
    ast.Union: lambda node: _binary("|", *node.operands),
    ast.Is: lambda node: _binary("is", node.operand, node.type),
    ast.As: lambda node: _binary("as", node.operand, node.type),
    ast.Polarity: lambda node: ("UnaryExpression", node.operator, (node.operand,)),
    ast.Order: lambda node: ("UnaryExpression", "desc" if node.descending else "asc", (node.key,)),
    ast.Variable: lambda node: ("VariableRefExpression", node.name, ()),
    ast.Instance: lambda node: ("InstanceExpression", print_expression(node.type), node.elements),
    ast.InstanceElement: lambda node: ("ElementExpression", node.name, (node.value,)),
    ast.This: _axis,
    ast.Index: _axis,
    ast.Total: _axis,
}
