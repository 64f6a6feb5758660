"""Tables of codes as files, loaded into the store."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fhir_server.bulk.concept_tables import Table, read_table
from fhir_server.bulk.concepts import BadRow, by_prefix, decoded
from fhir_server.bulk.terminology import Loaded, Wanted, load
from fhir_server.cli import main
from fhir_server.outcome import DefinitionError, FhirError
from fhir_server.resource import encode
from fhir_server.terminology.concepts import Concept, Designation, Property
from tests.interactions.fhir import Fhir, content
from tests.interactions.operations.terminologies import outs, put
from tests.terminology.memory import URL, code_system, concept, value_set

ICD = "urn:oid:2.16.156.10011.2.3.3.11"
CLINICAL = """# system: urn:oid:2.16.156.10011.2.3.3.11
# version: 2.0
# title: 疾病分类与代码 国家临床版
# language: zh-CN
主要编码,附加编码,疾病名称
J18,,未特指病原体的肺炎
J18.9,,肺炎
J18.900x001,,社区获得性肺炎
G01*,A39.0†,脑膜炎球菌性脑膜炎
"""


def table(text: str, **names: str) -> Table:
    return read_table("t.csv", text, names)


def test_columns_by_name() -> None:
    found = table(
        "code,display,parent,definition,status,abstract,designation:en,property:side,ignored\n"
        'a,"甲, 乙",,"A thing",retired,true,Thing,left,x\n'
        "b,B,a c,,,,,,\n"
    )
    assert found.bad == []
    a, b = found.rows
    properties = (
        Property("status", "valueCode", "retired"),
        Property("notSelectable", "valueBoolean", True),
        Property("side", "valueString", "left"),
    )
    designations = (Designation("Thing", "en"),)
    assert a.concept == Concept(
        "a", "甲, 乙", "A thing", designations, properties, inactive=True, abstract=True
    )
    assert a.parents == () and a.line == 2
    assert b.concept == Concept("b", "B") and b.parents == ("a", "c")


def test_a_national_edition() -> None:
    found = table(CLINICAL)
    assert found.facts == {
        "system": ICD, "version": "2.0", "title": "疾病分类与代码 国家临床版", "language": "zh-CN",
    }  # fmt: skip
    assert [row.concept.code for row in found.rows] == ["J18", "J18.9", "J18.900x001", "G01*"]
    assert found.rows[3].concept.properties == (Property("additional-code", "valueString", "A39.0†"),)
    assert found.rows[0].line == 6
    assert found.bad == []


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters(delimiter: str) -> None:
    (row,) = table(f"code{delimiter}display\na{delimiter}A\n").rows
    assert row.concept == Concept("a", "A")


def test_names_of_columns_that_are_given() -> None:
    (row,) = table("Nr,Text\n1,One\n", Nr="code", Text="display").rows
    assert row.concept == Concept("1", "One")
    with pytest.raises(DefinitionError, match=r"there is no column 'Tekst'; there are Nr, Text"):
        table("Nr,Text\n1,One\n", Nr="code", Tekst="display")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no column of the first line is the code"),
        ("name,text\n1,2\n", "no column of the first line is the code: name, text"),
        ("code,code\n1,2\n", "more than one column is code"),
        ("编码,代码\n1,2\n", "more than one column is code"),
    ],
)
def test_a_first_line_that_does_not_say_what_is_what(text: str, reason: str) -> None:
    with pytest.raises(DefinitionError, match=reason):
        table(text)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",No code", "there is no code"),
        ("a  b,Blanks", "the code 'a  b' has blanks before, after, or two together"),
        ("a\x07,Bell", "the code 'a\\x07' has control characters"),
        ("a,A,x,true,more", "5 cells, the first line has 4"),
        ("first,Twice", "the code 'first' stands in line 2 already"),
        ("a,A,asleep", "the status 'asleep' is none of"),
        ("a,A,,perhaps", "abstract is 'perhaps', it can be true or false"),
    ],
)
def test_bad_rows_are_told_by_line(row: str, reason: str) -> None:
    found = table(f"code,display,status,abstract\nfirst,First\n\n{row}\nlast,Last\n")
    assert [each.concept.code for each in found.rows] == ["first", "last"]
    ((file, line, why),) = found.bad
    assert (file, line) == ("t.csv", 4) and why.startswith(reason)
    assert str(BadRow("t.csv", 4, "x")) == "t.csv, line 4: x"


def test_encodings() -> None:
    assert (
        decoded("肺炎".encode())
        == decoded("\ufeff肺炎".encode())
        == decoded("肺炎".encode("gb18030"))
        == "肺炎"
    )
    assert decoded("𠮷䶮".encode("gb18030")) == "𠮷䶮"
    with pytest.raises(UnicodeDecodeError):
        decoded(b"\xff\xff\xff")


def test_parents_by_prefix() -> None:
    assert by_prefix(["J18", "J18.9", "J18.900x001", "J1", "K"]) == {
        "J18": "J1",
        "J18.9": "J18",
        "J18.900x001": "J18.9",
    }


# ---- into the store


@pytest.fixture
def server(fhir: Fhir, tmp_path: Path) -> Fhir:
    fhir.settings(data=str(tmp_path))
    return fhir


@pytest.fixture
def fhir(tmp_path: Path) -> Iterator[Fhir]:
    with asyncio.Runner() as runner:
        server = Fhir(runner, tmp_path / "fhir.sqlite")
        yield server
        server.close()


def loaded(server: Fhir, *files: tuple[str, str | bytes], **wanted: Any) -> Loaded:
    folder = server.context.settings.data_folder
    paths = []
    for name, text in files:
        paths.append(folder / name)
        paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
    return server.run(load(server.context, paths, Wanted(**wanted), lambda done, total: None))


def test_a_table_becomes_a_code_system(server: Fhir) -> None:
    found = loaded(server, ("icd.csv", CLINICAL.encode("gb18030")), parents="prefix")
    assert found == Loaded(f"{ICD}|2.0", "2.16.156.10011.2.3.3.11-2.0", 4, [])
    resource = server.read(f"CodeSystem/{found.id}")
    assert {name: resource[name] for name in ("url", "version", "title", "content", "count", "language")} == {
        "url": ICD, "version": "2.0", "title": "疾病分类与代码 国家临床版", "language": "zh-CN",
        "content": "not-present", "count": 4,
    }  # fmt: skip
    assert "concept" not in resource and resource["hierarchyMeaning"] == "is-a"
    asked = outs(server("GET", f"CodeSystem/$lookup?system={ICD}&code=J18.9").resource)
    assert asked["display"] == "肺炎" and asked["version"] == "2.0"
    subsumes = f"CodeSystem/$subsumes?system={ICD}&codeA=J18&codeB=J18.900x001"
    assert outs(server("GET", subsumes).resource) == {"outcome": "subsumes"}
    put(server, value_set("all", {"system": ICD}))
    expansion = content(server("GET", "ValueSet/all/$expand?filter=肺炎&count=2"))["expansion"]
    assert expansion["total"] == 3 and [each["code"] for each in expansion["contains"]] == ["J18", "J18.9"]


def test_a_version_is_replaced_and_others_stay(server: Fhir) -> None:
    first = loaded(server, ("a.csv", "code\na\nb\n"), facts={"system": "http://a.org", "version": "1"})
    assert first.id == "a.org-1"
    loaded(server, ("a.csv", "code\nx\n"), facts={"system": "http://a.org", "version": "2"})
    again = loaded(server, ("a.csv", "code\nb\nc\n"), facts={"system": "http://a.org", "version": "1"})
    assert again.id == first.id

    def there(version: str, code: str) -> Any:
        query = f"CodeSystem/$validate-code?url=http://a.org&version={version}&code={code}"
        return outs(server("GET", query).resource)["result"]

    assert [there("1", code) for code in "abc"] == [False, True, True]
    assert there("2", "x") and not there("2", "a")
    assert server.read("CodeSystem/a.org-1")["meta"]["versionId"] == "2"


def test_a_load_is_seen_even_when_the_resource_stays_the_same(server: Fhir) -> None:
    facts = {"system": "http://a.org"}
    loaded(server, ("a.csv", "code\na\n"), facts=facts)
    assert outs(server("GET", "CodeSystem/$validate-code?url=http://a.org&code=a").resource)["result"]
    loaded(server, ("a.csv", "code\nb\n"), facts=facts)
    assert not outs(server("GET", "CodeSystem/$validate-code?url=http://a.org&code=a").resource)["result"]


def test_what_the_resource_said_before_stays(server: Fhir) -> None:
    put(
        server,
        code_system("mine", content="not-present", url="http://a.org", version="1", publisher="Somebody"),
    )
    found = loaded(server, ("a.csv", "code\na\n"), facts={"system": "http://a.org", "version": "1"})
    assert found.id == "mine"
    assert server.read("CodeSystem/mine")["publisher"] == "Somebody"


def test_bad_rows_stop_a_load_unless_they_may_be_skipped(server: Fhir) -> None:
    facts = {"system": "http://a.org"}
    text = "code,parent\na,\nb,a\nc,nobody\na,\n"
    found = loaded(server, ("a.csv", text), facts=facts)
    assert found.id is None and found.concepts == 0
    assert [str(bad) for bad in found.bad] == [
        "a.csv, line 5: the code 'a' stands in line 2 already",
        "a.csv, line 4: 'c' is below 'nobody', which is no code of the table",
    ]
    assert server.total("CodeSystem?url=http://a.org") == 0
    found = loaded(server, ("a.csv", text), facts=facts, skip_bad_rows=True)
    assert found.concepts == 3 and len(found.bad) == 2


def test_a_cycle_is_refused(server: Fhir) -> None:
    with pytest.raises(FhirError, match=r"a.org has a cycle: a is below b is below a"):
        loaded(server, ("a.csv", "code,parent\na,b\nb,a\n"), facts={"system": "http://a.org"})
    assert server.total("CodeSystem") == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"code\na\n", "which code system it is must be said"),
        (b"# system: http://a.org\ncode\n\xff\xff\n", "a.csv is text neither in UTF-8 nor in GB 18030"),
    ],
)
def test_files_that_cannot_be_loaded(server: Fhir, text: bytes, reason: str) -> None:
    with pytest.raises(DefinitionError, match=reason):
        loaded(server, ("a.csv", text))


def test_a_load_cleans_up_after_one_that_was_killed(server: Fhir) -> None:
    server.run(server.context.store.transaction(lambda tx: tx.concepts.begin("http://b.org", "")))
    loaded(server, ("a.csv", "code\na\n"), facts={"system": "http://a.org"})
    (left,) = server.run(server.context.store.concepts.tables())
    assert left.url == "http://a.org" and left.concepts == 1
    assert not server.run(server.context.store.transaction(lambda tx: tx.concepts.drop_unpublished(10)))


def test_a_code_system_in_a_file(server: Fhir) -> None:
    nested = code_system(
        "big", concept("a", concept("b")), concept("c", property=[{"code": "parent", "valueCode": "b"}])
    )
    found = loaded(server, ("big.json", encode(nested)))
    assert found == Loaded(URL + "big", "big", 3, [])
    asked = f"CodeSystem/$subsumes?system={URL}big&codeA=a&codeB=c"
    assert outs(server("GET", asked).resource) == {"outcome": "subsumes"}
    with pytest.raises(DefinitionError, match=r"p.json is no CodeSystem with a url"):
        loaded(server, ("p.json", b'{"resourceType":"Patient"}'))


HEAD = "id\teffectiveTime\tactive\tmoduleId\t"
CONCEPTS = HEAD + "definitionStatusId\n1\t2026\t1\tm\td\n2\t2026\t1\tm\td\n3\t2026\t0\tm\td\n"
DESCRIPTIONS = (
    HEAD + "conceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n"
    "11\t2026\t1\tm\t1\ten\t900000000000003001\tDisease (disorder)\tc\n"
    "12\t2026\t1\tm\t2\ten\t900000000000003001\tPneumonia (disorder)\tc\n"
    "13\t2026\t1\tm\t2\ten\t900000000000013009\tLung inflammation\tc\n"
    "14\t2026\t1\tm\t2\ten\t900000000000013009\tPneumonia\tc\n"
    "15\t2026\t1\tm\t2\tzh\t900000000000013009\t肺炎\tc\n"
    '16\t2026\t1\tm\t2\ten\t900000000000550004\tLungs that are "inflamed\tc\n'
    "17\t2026\t0\tm\t2\ten\t900000000000013009\tNo longer used\tc\n"
)
RELATIONSHIPS = (
    HEAD + "sourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId\n"
    "21\t2026\t1\tm\t2\t1\t0\t116680003\tc\tm\n"
    "22\t2026\t1\tm\t2\t3\t0\t363698007\tc\tm\n"
    "23\t2026\t0\tm\t1\t2\t0\t116680003\tc\tm\n"
)
LANGUAGE = (
    HEAD + "refsetId\treferencedComponentId\tacceptabilityId\n31\t2026\t1\tm\tr\t14\t900000000000548007\n"
)


def test_files_like_those_of_snomed_ct(server: Fhir) -> None:
    files = (("r.txt", RELATIONSHIPS), ("l.txt", LANGUAGE), ("d.txt", DESCRIPTIONS), ("c.txt", CONCEPTS))
    found = loaded(server, *files, facts={"version": "2026"})
    assert found.canonical == "http://snomed.info/sct|2026" and found.concepts == 3 and found.bad == []
    answer = outs(server("GET", "CodeSystem/$lookup?system=http://snomed.info/sct&code=2").resource)
    assert answer["display"] == "Pneumonia"
    shown = outs(
        server("GET", "CodeSystem/$lookup?system=http://snomed.info/sct&code=2&displayLanguage=zh").resource
    )
    assert shown["display"] == "肺炎"
    asked = "CodeSystem/$subsumes?system=http://snomed.info/sct&codeA=1&codeB=2"
    assert outs(server("GET", asked).resource) == {"outcome": "subsumes"}
    put(server, value_set("active", {"system": "http://snomed.info/sct"}))
    expansion = content(server("GET", "ValueSet/active/$expand?activeOnly=true"))["expansion"]
    assert [each["code"] for each in expansion["contains"]] == ["1", "2"]
    by_site = {"property": "363698007", "op": "=", "value": "3"}
    put(server, value_set("site", {"system": "http://snomed.info/sct", "filter": [by_site]}))
    expansion = content(server("GET", "ValueSet/site/$expand"))["expansion"]
    assert [each["code"] for each in expansion["contains"]] == ["2"]


def test_bad_rows_of_such_files(server: Fhir) -> None:
    concepts = CONCEPTS + "1\t2026\t1\tm\td\nx\t2026\tyes\tm\td\nshort\n"
    descriptions = DESCRIPTIONS + "18\t2026\t1\tm\t9\ten\t900000000000013009\tLost\tc\n"
    relationships = RELATIONSHIPS + "24\t2026\t1\tm\t9\t1\t0\t116680003\tc\tm\n"
    found = loaded(server, ("c.txt", concepts), ("d.txt", descriptions), ("r.txt", relationships))
    assert [str(bad) for bad in found.bad] == [
        "c.txt, line 5: the concept '1' stands in line 2 already",
        "c.txt, line 6: active is 'yes', it can be 0 or 1",
        "c.txt, line 7: 1 cells, not 5",
        "d.txt, line 9: the description 18 is of '9', which is not among the concepts",
        "r.txt, line 5: the relationship 24 names '9', which is not among the concepts",
    ]


# ---- the command


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["terminology", "load", *map(str, arguments)])


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "icd.csv"
    file.write_text(CLINICAL, encoding="utf-8")
    found = command("--data", tmp_path / "data", "--parents", "prefix", file)
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.output == f"{ICD}|2.0: 4 codes loaded, see CodeSystem/2.16.156.10011.2.3.3.11-2.0\n"


def test_the_command_with_bad_rows(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("Nr,Text\n1,One\n1,Uno\n", encoding="utf-8")
    given = (
        "--data",
        tmp_path / "data",
        "--system",
        "http://a.org",
        "--column",
        "Nr=code",
        "--column",
        "Text=display",
    )
    found = command(*given, file)
    assert found.exit_code == 1
    assert "a.csv, line 3: the code '1' stands in line 2 already" in found.stderr
    assert "nothing is loaded: 1 rows are wrong; --skip-bad-rows loads the others" in found.stderr
    found = command(*given, "--skip-bad-rows", file)
    assert found.exit_code == 1 and "http://a.org: 1 codes loaded" in found.output
    found = command(*given[:4], file)
    assert found.exit_code == 1 and "no column of the first line is the code" in found.stderr
    assert command("--column", "x", file).exit_code == 2
