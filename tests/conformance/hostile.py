"""Requests that nobody should send, drawn: real resources with something broken, wherever they can stand."""

import copy
import json
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.conformance.client import FORM, HOST, JSON, JSON_PATCH

LARGEST = 30_000  # bytes of an example
JUNK: list[Any] = [
    None, True, False, 0, -1, 0.1, 1e300, 10**30, "", " ", "a", "\x00", "\ud800", "é", "张三", "x"*5000,
    "9"*400, "2020", "2020-02-30", "2020-01-01T00:00:00Z", "2020-01-01T25:00:00", "P1D", "NaN", "$", "|",
    "/", "..", "#", "#x", "http://example.org", "urn:uuid:1", "Patient/1", "Patient/1/_history/1",
    "Patient?identifier=a", "<div>", '<div xmlns="http://www.w3.org/1999/xhtml"><script/></div>', [], {},
    [[]], [None], {"a": 1}, {"value": "x"}, {"extension": []}, {"_value": 1}, {"reference": "x"},
    {"resourceType": "Patient"}, {"resourceType": "Bundle", "type": "transaction"},
]  # fmt: skip
MODIFIERS = [
    "", "", "", ":exact", ":contains", ":missing", ":not", ":text", ":in", ":not-in", ":above", ":below",
    ":of-type", ":identifier", ":Patient", ":iterate", ":x", "._id", ".name", ".x", ":Patient.name",
]  # fmt: skip
VALUES = [
    "", "a", "张", "zhang", "2020", "ge2020-01", "ap2020", "eq", "sa", "5.4|http://unitsofmeasure.org|mg",
    "5.4||", "|", "a|", "|a", "a|b", "a$b", "a,b", "\\", "\\,", "true", "Patient/1", "http://x/y", "x"*3000,
    "lt-5e999", "1e-400", "9"*60, "\x00", "é", "*", "%", "'", '"', "$", "a$", "$$", "-1", "0", ",", ",,",
    "||", "NaN|1", "30.2|120.1|5|km", "999|999", "Patient/1,Observation/2", "_id,-_lastUpdated", "-date",
    "Patient:*",
]  # fmt: skip
COMMON = [
    "_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_count", "_sort", "_total",
    "_include", "_revinclude", "_summary", "_elements", "_filter", "_text", "_content", "_list", "_query",
    "_contained", "_containedType", "_has:Observation:patient:code", "_has:X:y:z", "_type", "_format",
    "_pretty", "_explain", "_cursor", "_since", "_at", "_nothing",
]  # fmt: skip
FILTERS = [
    'name eq "a"', "name co", "(", "name eq a or birthdate gt 2020", "not(name eq a)", "((((a))))",
    "name pr true", "a.b.c eq 1", "_id in x",
]  # fmt: skip
EXPRESSIONS = [
    "name.given", "descendants()", "repeat(children())", "iif(", "1/0", "'a'.matches('(a+)+b')", "today()",
    "(1|2).aggregate($total+$this)", "%x", "resolve()", "name.first() + 'x'", "children().toQuantity()",
    "children().type().name", "descendants().where($this is Coding).code", "conformsTo('http://x/y')",
    "descendants().ofType(Extension).value", "children().lowBoundary()", "children() ~ children().first()",
    "descendants().hasValue()", "text.div.htmlChecks()", "children().select($this & 'a')", "trace('x', id)",
    "children() > 1", "children().toString().substring(1)", "descendants().memberOf('http://x/y')",
    "descendants().extension('a').value", "children().as(Quantity) + 1 'mg'", "extension.url", "id | status",
    "children().toDate() + 1 year", "descendants().distinct().count()", "children().sort()", "%resource.id",
]  # fmt: skip
POINTERS = ["", "/", "/id", "/name/0", "/name/-", "/active", "/x/y", "/meta", "/~", "/name/0/given/9"]
NAMES = [
    "resource", "code", "system", "url", "valueSet", "coding", "codeableConcept", "filter", "count", "offset",
    "mode", "profile", "concept", "start", "end", "period", "members", "format", "patient", "appointment",
    "reason", "target", "expression", "context", "codeA", "codeB", "display", "_since",
]  # fmt: skip
KINDS = [
    "valueString", "valueUri", "valueCode", "valueCoding", "valueInteger", "valueBoolean", "valueDate",
    "valueReference", "valueCodeableConcept", "valuePeriod", "resource", "part",
]  # fmt: skip


class Drawn(NamedTuple):
    method: str
    path: str
    headers: dict[str, str] = HOST
    body: bytes | None = None


class Hostile:
    def __init__(self, seed: int, examples: list[Any], statement: Any) -> None:
        """examples: resources; statement: the CapabilityStatement of the server."""
        self._chance = Random(seed)
        self._examples = examples
        rest = statement["rest"][0]
        self._parameters = {
            each["type"]: [parameter["name"] for parameter in each.get("searchParam", ())]
            for each in rest["resource"]
        }
        self._operations = {each["type"]: _operations_of(each) for each in rest["resource"]}
        self._operations[""] = _operations_of(rest)

    def draw(self) -> Drawn:
        often = (self.write, self.search, self.bundle, self.operation)
        return self._chance.choice((*often, *often, self.patch, self.evaluation))()

    def write(self) -> Drawn:
        draw, found = self._chance, self._chance.choice(self._examples)
        type_, id_ = found["resourceType"], draw.choice([found.get("id", "x"), "a", "b"])
        method, path = draw.choice(
            [("POST", f"/{type_}"), ("PUT", f"/{type_}/{id_}"), ("POST", f"/{type_}/$validate")]
        )
        headers = JSON | {"if-match": 'W/"1"'} if draw.random() < 0.1 else JSON
        return Drawn(method, path, headers, self._text(self._broken(found)))

    def patch(self) -> Drawn:
        draw, found = self._chance, self._chance.choice(self._examples)
        path = f"/{found['resourceType']}/{found.get('id', 'x')}"
        if draw.random() < 0.5:
            change: Any = [
                {
                    "op": draw.choice(["add", "remove", "replace", "move", "copy", "test", "x"]),
                    "path": draw.choice(POINTERS),
                    "from": draw.choice(POINTERS),
                    "value": draw.choice(JUNK),
                }
            ]
            return Drawn("PATCH", path, JSON_PATCH, self._text(change))
        parts = [
            {"name": "type", "valueCode": draw.choice(["add", "insert", "delete", "replace", "move", "x"])},
            {
                "name": "path",
                "valueString": draw.choice(["Patient", f"{found['resourceType']}.id", "x(", "1"]),
            },
            {"name": "name", "valueString": draw.choice(["name", "id", "x"])},
            {"name": "value", draw.choice(["valueString", "valueHumanName"]): draw.choice(JUNK)},
            {"name": "index", "valueInteger": draw.choice([0, -1, 99])},
        ]
        change = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
        return Drawn("PATCH", path, JSON, self._text(self._broken(change) if draw.random() < 0.3 else change))

    def bundle(self) -> Drawn:
        draw = self._chance
        made: Any = {
            "resourceType": "Bundle",
            "type": draw.choice(["batch", "transaction"]),
            "entry": [self._entry() for _ in range(draw.randrange(4))],
        }
        return Drawn("POST", "", JSON, self._text(self._broken(made) if draw.random() < 0.4 else made))

    def _entry(self) -> Any:
        draw, found = self._chance, self._chance.choice(self._examples)
        type_ = found["resourceType"]
        below = ["", "/a", "?identifier=a", "/$validate", "/$everything", "?"]
        method = draw.choice(["POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "X"])
        entry = {
            "fullUrl": draw.choice(["urn:uuid:1", f"http://example.org/{type_}/a", "x"]),
            "resource": self._broken(found) if draw.random() < 0.9 else draw.choice(JUNK),
            "request": {"method": method, "url": draw.choice([type_ + draw.choice(below), "", "/"])},
        }
        if draw.random() < 0.2:
            entry["request"]["ifNoneExist"] = "identifier=a"
        return entry

    def search(self) -> Drawn:
        draw, type_ = self._chance, self._chance.choice(list(self._parameters))
        query = []
        for _ in range(draw.randrange(1, 4)):
            if self._parameters[type_] and draw.random() < 0.6:
                query.append(
                    (draw.choice(self._parameters[type_]) + draw.choice(MODIFIERS), draw.choice(VALUES))
                )
            else:
                name = draw.choice(COMMON)
                query.append((name, draw.choice(FILTERS if name == "_filter" else VALUES)))
        text = urlencode(query)
        if draw.random() < 0.2:
            return Drawn("POST", f"/{type_}/_search", FORM, text.encode())
        below = draw.choice(
            ["", "", "", "/_history", "/a/_history", "/a/$everything", "/a/*", "/a/Observation"]
        )
        return Drawn(draw.choice(["GET", "GET", "GET", "HEAD", "DELETE"]), f"/{type_}{below}?{text}")

    def operation(self) -> Drawn:
        draw = self._chance
        type_ = draw.choice([name for name, operations in self._operations.items() if operations])
        names = self._operations[type_]
        path = (f"/{type_}" + draw.choice(["", "/a"]) if type_ else "") + f"/${draw.choice(names)}"
        if draw.random() < 0.4:
            return Drawn("GET", f"{path}?{urlencode([(draw.choice(NAMES), draw.choice(VALUES))])}")
        if draw.random() < 0.2:
            return Drawn("POST", path, JSON, self._text(self._broken(draw.choice(self._examples))))
        parameters = [self._parameter() for _ in range(draw.randrange(5))]
        return Drawn("POST", path, JSON, self._text({"resourceType": "Parameters", "parameter": parameters}))

    def evaluation(self) -> Drawn:
        draw, broken = self._chance, self._broken(self._chance.choice(self._examples))
        parameters = [
            {"name": name, "valueString": draw.choice(EXPRESSIONS)}
            for name in (("expression", "context") if draw.random() < 0.3 else ("expression",))
        ]
        parameters.append({"name": "resource", "resource": broken})
        return Drawn(
            "POST", "/$fhirpath", JSON, self._text({"resourceType": "Parameters", "parameter": parameters})
        )

    def _parameter(self) -> Any:
        draw = self._chance
        gender = "http://hl7.org/fhir/administrative-gender"
        fitting = [
            {"system": gender, "code": "male"},
            "male",
            gender,
            *EXPRESSIONS,
            *draw.sample(self._examples, 3),
        ]
        return {
            "name": draw.choice(NAMES),
            draw.choice(KINDS): draw.choice([draw.choice(JUNK), draw.choice(fitting)]),
        }

    def _broken(self, resource: Any) -> Any:
        made = copy.deepcopy(resource)
        for _ in range(self._chance.choice([0, 1, 1, 1, 2])):
            places = list(_places(made))
            if not places:
                break
            holder, key = self._chance.choice(places)
            self._break(holder, key, places)
        return made

    def _break(self, holder: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
        draw, value = self._chance, holder[key]
        match draw.randrange(6):
            case 0:
                del holder[key]
            case 1:
                holder[key] = [value, value]
            case 2 if isinstance(value, list) and value:
                holder[key] = value[0]
            case 3 if isinstance(key, str):
                holder[draw.choice(["_", "x", "value"]) + key] = value
            case 4:
                other, its_key = draw.choice(places)
                holder[key] = copy.deepcopy(other[its_key])
            case _:
                holder[key] = copy.deepcopy(draw.choice(JUNK))

    def _text(self, value: Any) -> bytes:
        text = json.dumps(value, ensure_ascii=self._chance.random() < 0.3)
        if self._chance.random() < 0.02:
            text = text[: self._chance.randrange(len(text) + 1)]
        return text.encode("utf-8", "surrogatepass")


def _operations_of(statement: Any) -> list[str]:
    return [each["name"] for each in statement.get("operation", ())]


def _places(node: Any) -> Any:
    """(object or array, key) of everything below."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)
