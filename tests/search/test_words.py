"""Words of resources, and of what is asked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.resource import content
from fhir_server.search.words import asked, has, words, words_of
from fhir_server.store.algebra import FullText
from fhir_server.store.matching import stands_in


def told(div: str) -> tuple[str, ...]:
    text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{div}</div>'}
    return words_of({"resourceType": "Patient", "text": text}).narrative


def written(**elements: Any) -> tuple[str, ...]:
    return words_of({"resourceType": "Observation", **elements}).content


def plain(found: tuple[str, ...]) -> list[str]:
    """Without what lies between texts."""
    return [word for word in found if word != "\ue000"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Chest  Pain", ["chest", "pain"]),
        ("HbA1c 6.3%", ["hba1c", "6", "3"]),
        ("8302-2", ["8302", "2"]),
        ("Éve ＡＢ", ["eve", "ab"]),
        ("naïve_word", ["naive", "word"]),
        ("高血压", ["高血", "血压", "压", "压", "血", "高"]),
        ("高 血 压", ["高血", "血压", "压", "压", "血", "高"]),
        ("2型糖尿病", ["2", "型糖", "糖尿", "尿病", "病", "型", "尿", "病", "糖"]),
        ("𠮷祥", ["𠮷祥", "祥", "祥", "𠮷"]),
        ("カルテ", ["カル", "ルテ", "テ", "カ", "テ", "ル"]),
        ("!?%", []),
        ("", []),
    ],
)
def test_words_of_a_text(text: str, found: list[str]) -> None:
    assert plain(written(note=[{"text": text}])) == found


@pytest.mark.parametrize(
    ("div", "found"),
    [
        ("<p>bone <b>and</b> liver</p>", ["bone", "and", "liver"]),
        ("hyper<b>tension</b>", ["hypertension"]),
        ("<td>chest</td><td>pain</td>", ["chest", "pain"]),
        ("a<br/>b", ["a", "b"]),
        ("5 &lt; 6 &amp; &#233;t&eacute;", ["5", "6", "ete"]),
        ('<a href="http://example.org">x</a><!-- y -->', ["x"]),
        ("<p>高<i>血</i>压</p>", ["高血", "血压", "压", "压", "血", "高"]),
    ],
)
def test_words_of_a_narrative(div: str, found: list[str]) -> None:
    assert plain(told(div)) == found


def test_the_content_is_every_text_but_the_narrative() -> None:
    found = words(
        content(
            {
                "resourceType": "Observation",
                "id": "secret-id",
                "text": {"status": "generated", "div": "<div>narrative</div>"},
                "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}], "text": "Height"},
                "subject": {"reference": "Patient/secret-1", "display": "Zhang San"},
                "effectiveDateTime": "2026-01-02T03:04:05+08:00",
                "valueQuantity": {"value": 1, "unit": "cm", "system": "http://unitsofmeasure.org"},
                "contained": [{"resourceType": "Patient", "text": {"div": "<div>inner</div>"}, "id": "in"}],
                "issued": "2026-01-02T03:04:05.678Z",
                "extension": [{"url": "urn:x:y", "valueString": "urn is a word"}],
            }
        )
    )
    assert found.narrative == ("narrative",)
    assert plain(found.content) == [
        "8302", "2", "height", "zhang", "san", "cm", "inner", "urn", "is", "a", "word",
    ]  # fmt: skip


def test_binary_content_has_no_words() -> None:
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "QUJD"}
    assert plain(words_of(binary).content) == ["text", "plain"]


def test_a_phrase_does_not_go_from_one_text_to_the_next() -> None:
    found = {"resourceType": "Basic", "a": "chest", "b": "pain", "c": "高血", "d": "压"}
    assert finds("高血", found) and finds("压", found) and finds("pain", found)
    assert not finds("chest pain", found) and not finds("高血压", found)


def test_a_narrative_and_the_rest_are_apart() -> None:
    resource = {"resourceType": "Basic", "text": {"div": "<div>chest</div>"}, "a": "pain"}
    found = words_of(resource)
    assert not stands_in(FullText("anywhere", ("chest", "pain")), found)
    assert stands_in(FullText("anywhere", ("chest",)), found)
    assert not stands_in(FullText("narrative", ("pain",)), found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Chest", ("chest",)), ("高", ("高",)), ("高血", ("高血",)), ("高血压", ("高血", "血压")),
        ("糖尿病 II", ("糖尿", "尿病", "病", "ii")), ("8302-2", ("8302", "2")), ("高\x01血", ("高血",)),
        ("a\ue000b", ("a", "b")), ("***", ()), ("", ()),
    ],
)  # fmt: skip
def test_asked(text: str, found: tuple[str, ...]) -> None:
    assert asked(text) == (found, False)


def test_what_may_go_on() -> None:
    assert asked("met", prefix=True) == (("met",), True)
    assert asked("高", prefix=True) == (("高",), False)  # single ones are words of their own
    assert asked("高血", prefix=True) == (("高血",), False)
    assert asked("II型") == (("ii", "型"), True)


def finds(text: str, resource: dict[str, Any]) -> bool:
    """In both ways: by the words that are indexed, and in the bytes."""
    node = FullText("anywhere", *asked(text))
    found = stands_in(node, words_of(resource))
    assert has(content({"id": "1"} | resource), node) == found
    return found


@given(st.text(alphabet="高血压型 ab1-é", min_size=1, max_size=12), st.data())
def test_every_part_of_a_text_is_found_by_itself(text: str, data: st.DataObject) -> None:
    """A part that begins and ends where words do: between ideographs anywhere."""
    found = {"resourceType": "Basic", "a": text}
    ideographs = [n for n, character in enumerate(text) if character in "高血压型"]
    if not ideographs:
        assert not asked(text)[0] or finds(text, found)
        return
    first = data.draw(st.sampled_from(ideographs))
    last = data.draw(st.sampled_from([n for n in ideographs if n >= first]))
    assert finds(text[first : last + 1], found)


@pytest.mark.parametrize("where", ["narrative", "anywhere"])
@given(data=st.data())
def test_bytes_are_looked_through_as_words_are(where: Any, data: st.DataObject) -> None:
    texts = st.text(alphabet='abé高血压ＡＢ㍍<b>/&amp;;\n"\\ -1', max_size=14)
    found: dict[str, Any] = {
        "resourceType": "Basic",
        "id": "1",
        "a": [data.draw(texts)],
        "b": {"c": data.draw(texts)},
    }
    if data.draw(st.booleans()):
        found["text"] = {"div": f"<div>{data.draw(texts)}</div>"}
    words, goes_on = asked(
        data.draw(st.text(alphabet="abé高血压米ト1 ", max_size=4)), prefix=data.draw(st.booleans())
    )
    if words:
        node = FullText(where, words, goes_on)
        assert has(content(found), node) == stands_in(node, words_of(found))
