"""The syntax tree of an expression: frozen, and equal when the expressions say the same.

https://hl7.org/fhirpath/N1/#formal-specifications

Two spellings of one thing are one node: `a.as(B)` and `a as B` are `As`, `(a | b) | c` is one `Union`, and
parentheses leave no trace. A path without a focus starts from `$this`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Literal

BinaryOperator = Literal[
    "*", "/", "div", "mod", "+", "-", "&", "<=", "<", ">", ">=", "=", "~", "!=", "!~",
    "in", "contains", "and", "or", "xor", "implies",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Node:
    at: int = field(default=0, compare=False, repr=False, kw_only=True)  # offset in the text


@dataclass(frozen=True, slots=True)
class Empty(Node):
    """`{}`"""


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class String(Node):
    value: str  # without quotes and escapes


@dataclass(frozen=True, slots=True)
class Number(Node):
    text: str  # `1` is an Integer, `1L` a Long, `1.0` a Decimal


@dataclass(frozen=True, slots=True)
class Date(Node):
    text: str  # `2015-02`


@dataclass(frozen=True, slots=True)
class DateTime(Node):
    text: str  # `2015-02-04T14:34:28Z`, also `2015T`


@dataclass(frozen=True, slots=True)
class Time(Node):
    text: str  # `14:34`, without the T


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    number: str
    unit: str
    calendar: bool  # True: a calendar duration such as `4 days`, whose unit is `day`; False: UCUM, `4 'd'`


@dataclass(frozen=True, slots=True)
class This(Node):
    """`$this`"""


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`$index`"""


@dataclass(frozen=True, slots=True)
class Total(Node):
    """`$total`"""


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`%resource`, `%'vs-name'`"""

    name: str


@dataclass(frozen=True, slots=True)
class Path(Node):
    """One step: an element, or at the start of an expression the name of a type."""

    focus: Node | None  # None: the step starts from `$this`
    name: str


@dataclass(frozen=True, slots=True)
class Function(Node):
    focus: Node | None  # None: the function is called on `$this`
    name: str
    arguments: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Indexer(Node):
    focus: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Polarity(Node):
    operator: Literal["+", "-"]
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    operator: BinaryOperator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Union(Node):
    operands: tuple[Node, ...]  # two or more, none of them a Union that stands first


@dataclass(frozen=True, slots=True)
class Order(Node):
    """A key of sort(): `birthDate desc`"""

    key: Node
    descending: bool


@dataclass(frozen=True, slots=True)
class TypeSpecifier(Node):
    namespace: str | None  # `FHIR`, `System`; None: FHIR first, then System
    name: str


@dataclass(frozen=True, slots=True)
class Is(Node):
    operand: Node
    type: TypeSpecifier


@dataclass(frozen=True, slots=True)
class As(Node):
    operand: Node
    type: TypeSpecifier


@dataclass(frozen=True, slots=True)
class InstanceElement(Node):
    """`system: 'http://loinc.org'`"""

    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class Instance(Node):
    """`Coding { system: 'http://loinc.org', code: code }`"""

    type: TypeSpecifier
    elements: tuple[InstanceElement, ...]


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below `node`, in the order of the text."""
    for each in fields(node):
        match getattr(node, each.name):
            case Node() as child:
                yield child
            case tuple() as several:
                yield from several


def walk(node: Node) -> Iterator[tuple[Node, int]]:
    """`node` and all below it, each with its depth; without recursion."""
    waiting = [(node, 1)]
    while waiting:
        found, depth = waiting.pop()
        yield found, depth
        waiting += [(child, depth + 1) for child in children(found)]


def type_specifier(node: Node) -> TypeSpecifier | None:
    """The type that an argument such as `Patient` or `FHIR.Patient` names; None: it is no type's name."""
    match node:
        case Path(None, name):
            return TypeSpecifier(None, name, at=node.at)
        case Path(Path(None, namespace), name):
            return TypeSpecifier(namespace, name, at=node.at)
        case _:
            return None
