"""Values that search has to get right, and real resources rarely have."""

from typing import Any

NAMES = (
    "O'Brien", "o'brien", "Müller", "MULLER", "Ｍｕｌｌｅｒ",
    "van der Berg", "张", "张三", "欧阳", "单", "𠮷田",
    "阿依古丽·买买提", "阿依古丽•买买提", "a%b", "a_b", "a\\b", "a,b",
    "a$b", "a|b", "' OR 1=1--", "ß", "ﬁn", "Å", "Å",
    "x" * 40, "e\u0301a", "İstanbul", "Ｏ’Ｂ", "  two   spaces ", "张 三", "カ\u3099", "\u202eabc", "123",
    "nu;ll", "单明", "曾国藩", "朴树", "尉迟恭", "重庆协和医院", "长乐", "吕布", "李a", "张カ\u3099", "章三",
    "建国", "Smith", "Smyth", "Catherine", "Kathryn", "𠮷三", "乐乐",
)  # fmt: skip
CODES = (
    ("http://loinc.org", "8302-2"), ("http://loinc.org", "8302-2 "), ("http://loinc.org", "8480-6"),
    ("http://snomed.info/sct", "8302-2"), (None, "8302-2"), ("http://loinc.org", None), ("urn:x|y",
    "a|b"),
    ("http://x", "A,b$c"), ("http://x", "a,B$C"), ("http://unitsofmeasure.org", "M"),
    ("http://unitsofmeasure.org", "m"), ("HTTP://X", "a"), ("http://x", "é"), ("http://x", "É"),
    (None, "true"),
)  # fmt: skip
TREE = "http://x/tree"
CONCEPTS = (
    ("animal", (("cat", (("lion", ()), ("tabby", ()))), ("dog", ()))),
    ("plant", (("moss", ()),)), ("stone", ()),
)  # fmt: skip
"""Of the code system `TREE`, each with those below it."""
CODES += tuple((TREE, code) for code in ("animal", "cat", "lion", "dog", "moss", "stone"))
IDENTIFIERS = (
    ("http://h/mrn", "1"), ("http://h/mrn", "01"), ("http://h/mrn", "AbC"), ("http://h/mrn", "abc"),
    (None, "1"),
    ("http://h/mrn", None), ("http://h/other", "1"), ("urn:oid:1.2", "a|b,c"), ("http://h/mrn", "张1"),
)  # fmt: skip
CONTACTS = (
    "(0555) 12-34", "05551234", "+86 555", "A@b.example", "a@B.example", "张@x", "-",
)  # fmt: skip
DATES = (
    "2013", "2013-01", "2013-01-14", "2013-01-15", "2012-12-31", "2013-12", "2016-02-29",
    "1987-06-15", "0001-01-01",
    "9999-12-31", "2026-11-22", "2026-11-23",
)  # fmt: skip
TIMES = (
    *DATES, "2013-01-14T00:00:00+08:00", "2013-01-14T00:00:00Z", "2013-01-13T16:00:00Z",
    "2013-01-13T15:59:59.999Z",
    "2013-01-14T10:00:00.000+08:00", "2013-01-14T10:00:00+08:00", "2013-01-14T23:59:59.999+08:00",
    "2013-01-14T23:59:59-11:00", "2013-01-14T20:00:00Z", "2013-01-14T20:00:30Z", "2016-12-31T23:59:60Z",
    "2013-01-14T20:00:00.123456Z", "2026-11-23T07:00:00+08:00",
)  # fmt: skip
NUMBERS = (
    "0", "1", "1.0", "1.00", "-1", "99.5", "100", "100.00", "100.4", "100.5", "100.005", "99.995",
    "1000", "0.001",
    "12345678901234", "5.4", "5.40", "1E2", "0.1", "0.10000000000000001", "-0.05", "110", "90",
)  # fmt: skip
UNITS: tuple[dict[str, Any], ...] = (
    {"system": "http://unitsofmeasure.org", "code": "mg", "unit": "mg"},
    {"system": "http://unitsofmeasure.org", "code": "g", "unit": "gram"},
    {"system": "http://unitsofmeasure.org", "code": "mg/dL", "unit": "mg/dL"},
    {"system": "http://unitsofmeasure.org", "code": "g/dL", "unit": "g/dL"},
    {"system": "http://unitsofmeasure.org", "code": "Cel", "unit": "°C"},
    {"system": "http://x", "code": "mg", "unit": "tablet"},
    {"unit": "mg"}, {"unit": "tablet"}, {"system": "http://x", "code": "a|b", "unit": "a,b"}, {},
)  # fmt: skip
COMPARATORS = (None, None, None, None, "<", "<=", ">=", ">")
HOSTILE = (
    "'", "%", "_", "\\", "\\\\", "|", "||", "a|b|c", "$", ";", "a\\,b", "張", "𠮷", "xx2024", "1e1000000", 
    "2024-02-30", "2024-13", "gt", "-", " ", "", ",",
    "a,", "1e2", "0", "true", "Patient/1", "Patient/", "null",
    "*", "\u3000", "+1",
)  # fmt: skip
NARRATIVES = (
    "<p>Bone metastases, 高血压三级。 Chest pain</p>", "<p>ch<b>e</b>st</p><p>pain</p>", 
    "高血压，2型糖尿病 HbA1c",
    "<td>高血</td><td>压</td>", "<!-- liver --> 肝脏", "chest&amp;pain &lt;b&gt; &#24352;&#19977;",
    "ＨｂＡ１ｃ 8302-2",
    "<a title='liver'>bone</a>", "it's naïve", "カルテ カ\u3099ン", "Йод 1мг", "<br/>", "",
)  # fmt: skip
"""In a div."""
