"""Tokens to a syntax tree, by the precedence of the operators.

https://hl7.org/fhirpath/N1/#operator-precedence, https://hl7.org/fhirpath/N1/grammar.html
"""

from collections.abc import Callable

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.lexer import Token, tokens

LENGTH_LIMIT = 20_000  # characters; the longest expression of R4 has 1,400
NESTING_LIMIT = 60  # brackets within brackets
DEPTH_LIMIT = 150  # nodes below nodes: compiling and running recurse over them

# loosest first
_BINARY: tuple[tuple[str, ...], ...] = (
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "~", "!=", "!~"),
    ("<=", "<", ">", ">="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
)
LEVELS: dict[str, int] = {operator: level for level, row in enumerate(_BINARY) for operator in row}
_TYPE_LEVEL = LEVELS["is"]

CALENDAR_UNITS = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
_CALENDAR = {unit: unit for unit in CALENDAR_UNITS} | {unit + "s": unit for unit in CALENDAR_UNITS}
# words that may stand where an element's name does: every other operator word needs back-ticks there
NAME_KEYWORDS = frozenset(("as", "contains", "in", "is"))
KEYWORDS = frozenset(("true", "false", "div", "mod", "and", "or", "xor", "implies"))


def parse(text: str) -> ast.Node:
    """The syntax tree of `text`; raises FhirPathError with the position of what is wrong."""
    if len(text) > LENGTH_LIMIT:
        problem = f"too costly: {len(text)} characters, an expression may have {LENGTH_LIMIT}"
        raise FhirPathError(problem, 0, text[:100], costly=True)
    try:
        return _Parser(tokens(text)).whole()
    except FhirPathError as error:
        raise error.located(text) from None


class _Parser:
    def __init__(self, all_tokens: list[Token]) -> None:
        self.tokens = all_tokens
        self.next = 0
        self.nesting = 0

    def whole(self) -> ast.Node:
        node = self.expression()
        if self.token.kind != "end":
            raise self.unexpected("the end of the expression or an operator")
        for found, depth in ast.walk(node):
            if depth > DEPTH_LIMIT:
                raise FhirPathError(f"nested deeper than {DEPTH_LIMIT} levels", found.at, costly=True)
        return node

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        found = self.tokens[self.next]
        self.next += 1
        return found

    def at_symbol(self, text: str) -> bool:
        found = self.tokens[self.next]
        return found.kind == "symbol" and found.text == text

    def skip(self, text: str) -> bool:
        if self.at_symbol(text):
            self.next += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.skip(text):
            raise self.unexpected(f"'{text}'")

    def unexpected(self, wanted: str) -> FhirPathError:
        found = self.token
        what = "the end of the expression" if found.kind == "end" else repr(found.text)
        return FhirPathError(f"found {what}, expected {wanted}", found.at)

    def expression(self, loosest: int = 0) -> ast.Node:
        """An expression whose operators bind at least as tightly as those of level `loosest`."""
        self.nesting += 1
        if self.nesting > NESTING_LIMIT:
            raise FhirPathError(f"nested deeper than {NESTING_LIMIT} levels", self.token.at, costly=True)
        left = self.polarity()
        while (level := self.level()) is not None and level >= loosest:
            operator = self.take()
            if level == _TYPE_LEVEL:
                left = self.type_test(operator, left)
            else:
                left = _binary(operator, left, self.expression(level + 1))
        self.nesting -= 1
        return left

    def level(self) -> int | None:
        found = self.tokens[self.next]
        return LEVELS.get(found.text) if found.kind in ("symbol", "identifier") else None

    def type_test(self, operator: Token, operand: ast.Node) -> ast.Node:
        name = self.name("the name of a type")
        namespace = None
        if self.skip("."):
            namespace, name = name, self.name("the name of a type")
        specifier = ast.TypeSpecifier(
            namespace.text if namespace else None, name.text, at=(namespace or name).at
        )
        return (ast.Is if operator.text == "is" else ast.As)(operand, specifier, at=operator.at)

    def name(self, wanted: str) -> Token:
        found = self.token
        if found.kind == "delimited" or (found.kind == "identifier" and found.text not in KEYWORDS):
            return self.take()
        raise self.unexpected(wanted)

    def polarity(self) -> ast.Node:
        signs = []
        while self.at_symbol("+") or self.at_symbol("-"):
            signs.append(self.take())
        node = self.invocations()
        for sign in reversed(signs):
            node = ast.Polarity(sign.text, node, at=sign.at)  # type: ignore[arg-type]
        return node

    def invocations(self) -> ast.Node:
        node = self.term()
        while True:
            start = self.token
            if self.skip("."):
                if self.token.kind == "special":
                    raise FhirPathError(f"{self.token.text} cannot follow a dot", self.token.at)
                node = self.invocation(node)
            elif self.skip("["):
                node = ast.Indexer(node, self.expression(), at=start.at)
                self.expect("]")
            elif self.at_symbol("{") and (type_ := ast.type_specifier(node)):
                node = self.instance(type_)
            else:
                return node

    def invocation(self, focus: ast.Node | None) -> ast.Node:
        """An element's name or a function call."""
        name = self.name("the name of an element or of a function")
        if not self.skip("("):
            return ast.Path(focus, name.text, at=name.at)
        arguments: list[ast.Node] = []
        if not self.skip(")"):
            argument = self.order if name.text == "sort" else self.expression
            arguments.append(argument())
            while self.skip(","):
                arguments.append(argument())
            self.expect(")")
        return _call(focus, name, tuple(arguments))

    def order(self) -> ast.Node:
        """`key`, `key asc`, `key desc`; a minus before the key is an older spelling of the last."""
        start = self.token
        key = self.expression()
        after = self.token
        if after.kind == "identifier" and after.text in ("asc", "desc"):
            self.take()
            return ast.Order(key, after.text == "desc", at=start.at)
        if isinstance(key, ast.Polarity) and key.operator == "-":
            return ast.Order(key.operand, True, at=start.at)
        return ast.Order(key, False, at=start.at)

    def instance(self, type_: ast.TypeSpecifier) -> ast.Node:
        """`{:}` has no elements: `{}` alone is the empty collection."""
        self.expect("{")
        elements = []
        if not self.skip(":"):
            elements.append(self.instance_element())
            while self.skip(","):
                elements.append(self.instance_element())
        self.expect("}")
        return ast.Instance(type_, tuple(elements), at=type_.at)

    def instance_element(self) -> ast.InstanceElement:
        name = self.name("the name of an element")
        self.expect(":")
        return ast.InstanceElement(name.text, self.expression(), at=name.at)

    def term(self) -> ast.Node:
        found = self.token
        if term := _TERMS.get(found.kind):
            return term(self)
        if found.kind == "identifier" and found.text in ("true", "false"):
            return ast.Boolean(self.take().text == "true", at=found.at)
        if self.skip("("):
            node = self.expression()
            self.expect(")")
            return node
        if self.skip("{"):
            self.expect("}")
            return ast.Empty(at=found.at)
        if self.skip("%"):
            return self.variable(found.at)
        return self.invocation(None)

    def variable(self, at: int) -> ast.Node:
        if self.token.kind == "string":
            return ast.Variable(self.take().text, at=at)
        return ast.Variable(self.name("the name of a variable").text, at=at)

    def number(self) -> ast.Node:
        number, unit = self.take(), self.token
        if number.text.endswith("L"):  # a Long, which takes no unit
            return ast.Number(number.text, at=number.at)
        if unit.kind == "string":
            self.take()
            return ast.Quantity(number.text, unit.text, calendar=False, at=number.at)
        if unit.kind == "identifier" and unit.text in _CALENDAR:
            self.take()
            return ast.Quantity(number.text, _CALENDAR[unit.text], calendar=True, at=number.at)
        return ast.Number(number.text, at=number.at)

    def special(self) -> ast.Node:
        found = self.take()
        kinds = {"$this": ast.This, "$index": ast.Index, "$total": ast.Total}
        return kinds[found.text](at=found.at)

    def string(self) -> ast.Node:
        found = self.take()
        return ast.String(found.text, at=found.at)

    def datetime(self) -> ast.Node:
        found = self.take()
        return (ast.DateTime if "T" in found.text else ast.Date)(found.text, at=found.at)

    def time(self) -> ast.Node:
        found = self.take()
        return ast.Time(found.text, at=found.at)


_TERMS: dict[str, Callable[[_Parser], ast.Node]] = {
    "number": _Parser.number,
    "string": _Parser.string,
    "special": _Parser.special,
    "datetime": _Parser.datetime,
    "time": _Parser.time,
}


def _binary(operator: Token, left: ast.Node, right: ast.Node) -> ast.Node:
    if operator.text != "|":
        return ast.Binary(operator.text, left, right, at=operator.at)  # type: ignore[arg-type]
    before = left.operands if isinstance(left, ast.Union) else (left,)
    return ast.Union((*before, right), at=operator.at)


def _call(focus: ast.Node | None, name: Token, arguments: tuple[ast.Node, ...]) -> ast.Node:
    if name.text in ("is", "as") and len(arguments) == 1:
        specifier = ast.type_specifier(arguments[0])
        if specifier is None:
            raise FhirPathError(f"{name.text}() takes the name of a type", arguments[0].at)
        operand = focus or ast.This(at=name.at)
        return (ast.Is if name.text == "is" else ast.As)(operand, specifier, at=name.at)
    return ast.Function(focus, name.text, arguments, at=name.at)
