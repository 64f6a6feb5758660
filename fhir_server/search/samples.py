"""Values and resources whose index rows stand for the rules by which rows are made; see fingerprint.py.

They are chosen so that a change of a rule shows in one of them: every precision of dates, names in several
scripts, units, the forms of references. What is added here makes no old index wrong, but looks as if it did.
"""

from decimal import Decimal
from typing import Any

_PERIOD = {"start": "1988-05", "end": "2020-02-29T23:59:60+08:00"}
_CODINGS = [
    {"system": "http://loinc.org", "code": "8480-6", "display": "Systolic Blood  Pressure"},
    {"system": "urn:x", "code": "Ä b|c", "display": "高血压", "version": "2"},
    {"code": "bare"},
    {"system": "http://loinc.org"},
]
_REFERENCES = [
    "Patient/1", "Patient/1/_history/2", "http://example.org/fhir/Patient/1", "https://other.org/fhir/Patient/1",
    "urn:uuid:0a1b2c3d-0000-4000-8000-000000000001", "#inside", "http://x.org/ValueSet/a|1.0", "Patient?x=1",
]  # fmt: skip
_TEXTS = [
    "Müller-Lüdenscheidt",
    "  José  MARÍA ",
    "ＡＢＣ　１２",
    "单雄信",
    "欧阳锋",
    "𠮷野家",
    "O'Brien, de la Cruz",
    "",
]
_MOMENTS = [
    "1900", "1940-06", "1988-07-01", "2019-02-28", "2020-02-29", "2024-12-31T23:59:60Z",
    "1941-03-15T12:30", "2026-11-23T08:00:00", "2026-11-23T08:00:00.123+08:00",
    "2026-11-23T08:00:00.1234567-03:30", "0001-01-01", "9999-12-31",
]  # fmt: skip
_DECIMALS = ["0", "1.00", "-0.5", "1E+2", "120", "1e-9", "123456789012345678.9"]
_UNITS = ["mg", "g", "mm[Hg]", "Cel", "[degF]", "mg/dL", "{score}", "not a unit"]
_UCUM = "http://unitsofmeasure.org"

VALUES: dict[str, list[Any]] = {
    "string": _TEXTS,
    "code": ["final", "male", "application/fhir+json", "zh-CN"],
    "boolean": [True, False],
    "integer": [0, 5, -7],
    "decimal": [Decimal(text) for text in _DECIMALS],
    "date": _MOMENTS[:5],
    "dateTime": _MOMENTS,
    "instant": _MOMENTS[5:6] + _MOMENTS[8:10],
    "uri": [*_REFERENCES, "urn:oid:1.2.3", "http://a.org/b/", "HTTP://A.org/b"],
    "HumanName": [
        {
            "family": "van der Berg",
            "given": ["Anna", "Ève"],
            "prefix": ["Dr."],
            "suffix": ["PhD"],
            "use": "old",
        },
        {"text": "张三丰"},
        {"family": "单", "given": ["雄信"]},
        {"family": "欧阳", "given": ["锋"], "text": "欧阳 锋"},
        {"family": "古丽", "given": ["阿依·买买提"]},
        {"family": "Østergård", "given": [None, "Zoë"]},
    ],
    "Address": [
        {"line": ["Rue 1", "bis"], "city": "Köln", "state": "NW", "postalCode": "50667", "country": "DE"},
        {"text": "上海市徐汇区", "district": "徐汇区", "use": "home"},
    ],
    "CodeableConcept": [
        {"coding": _CODINGS, "text": "Blood pressure"},
        {"text": "nur Text"},
        {"coding": [{}]},
    ],
    "Coding": _CODINGS,
    "Identifier": [
        {"system": "urn:mrn", "value": "12 34", "type": {"coding": _CODINGS[:1], "text": "MR"}},
        {"value": "bare"},
        {"system": "urn:mrn", "assigner": {"reference": "Organization/1"}},
    ],
    "ContactPoint": [{"system": "phone", "value": "+86 21 5555", "use": "work"}, {"value": "a@B.org"}],
    "Period": [_PERIOD, {"start": "2020"}, {"end": "2020"}, {}],
    "Timing": [
        {"event": _MOMENTS[6:9], "repeat": {"boundsPeriod": _PERIOD}},
        {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
    ],
    "Quantity": [
        *({"value": Decimal("5.40"), "unit": unit, "system": _UCUM, "code": unit} for unit in _UNITS),
        {"value": Decimal(5), "unit": "Stück"},
        {"value": Decimal(5), "comparator": "<", "unit": "mg"},
        {"unit": "mg"},
    ],
    "Money": [{"value": Decimal("3.10"), "currency": "CNY"}],
    "Range": [{"low": {"value": Decimal(1), "unit": "a"}, "high": {"value": Decimal(2), "unit": "a"}}, {}],
    "Reference": [
        *({"reference": text} for text in _REFERENCES),
        {"identifier": {"system": "urn:mrn", "value": "1"}, "type": "Patient", "display": "Eve"},
    ],
    "Resource": [{"resourceType": "Patient", "id": "inside"}],
    "Annotation": [{"text": "noted", "authorString": "Eve"}],
    "Location.position": [{"latitude": Decimal("31.23"), "longitude": Decimal("121.47")}],
}
"""By FHIR type. A type that is not here is tried with the values of all."""

RESOURCES: list[dict[str, Any]] = [
    {
        "resourceType": "Observation",
        "id": "o",
        "meta": {
            "profile": ["http://x.org/p"],
            "tag": _CODINGS[:1],
            "security": _CODINGS[1:2],
            "source": "urn:s",
        },
        "language": "zh-CN",
        "text": {
            "status": "generated",
            "div": "<div xmlns='http://www.w3.org/1999/xhtml'><p>血压 high</p></div>",
        },
        "contained": [{"resourceType": "Patient", "id": "p", "name": [{"family": "单"}], "gender": "female"}],
        "status": "final",
        "code": {"coding": _CODINGS},
        "subject": {"reference": "#p"},
        "encounter": {"reference": "Encounter/1"},
        "effectivePeriod": _PERIOD,
        "component": [
            {
                "code": {"coding": _CODINGS[:1]},
                "valueQuantity": {"value": Decimal(120), "unit": "mm[Hg]", "system": _UCUM, "code": "mm[Hg]"},
            },
            {"code": {"coding": _CODINGS[1:2]}, "valueCodeableConcept": {"coding": _CODINGS[2:3]}},
            {"code": {"text": "no value"}},
        ],
    },
    {
        "resourceType": "Patient",
        "id": "p",
        "active": True,
        "deceasedDateTime": "2020-02",
        "birthDate": "1941-03-16",
        "name": VALUES["HumanName"],
        "telecom": VALUES["ContactPoint"],
        "address": VALUES["Address"],
        "managingOrganization": {"reference": "http://example.org/fhir/Organization/1"},
        "generalPractitioner": [{"reference": "Practitioner/1"}, {"reference": "Organization/2"}],
    },
    {
        "resourceType": "Bundle",
        "id": "b",
        "type": "document",
        "entry": [
            {"resource": {"resourceType": "Composition", "id": "c"}},
            {"resource": {"resourceType": "Patient", "id": "p"}},
        ],
    },
    {
        "resourceType": "Location",
        "id": "l",
        "name": "瑞金医院",
        "position": {"latitude": Decimal("31.21"), "longitude": Decimal("121.46")},
    },
    {
        "resourceType": "ValueSet",
        "id": "v",
        "url": "http://x.org/ValueSet/v",
        "version": "1.0",
        "date": "2019-11-01",
        "compose": {"include": [{"system": "http://loinc.org"}]},
        "useContext": [
            {"code": _CODINGS[0], "valueQuantity": VALUES["Quantity"][0]},
            {"code": _CODINGS[1], "valueCodeableConcept": {"coding": _CODINGS[:2]}},
        ],
    },
]
