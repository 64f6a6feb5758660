import pytest

from fhir_server.outcome import FhirError
from fhir_server.terminology.concepts import Concept, Designation
from fhir_server.terminology.languages import display, parse, speaks

MALE = Concept(
    "male",
    "Male",
    designations=(
        Designation("A man, by sex", "zh", {"code": "900000000000550004"}),  # a definition
        Designation("男性", "zh"),
        Designation("男", "zh-CN"),
        Designation("Mannlig", "no"),
    ),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("zh-CN", ("zh-cn",)),
        ("en;q=0.5, zh-CN, zh;q=0.9", ("zh-cn", "zh", "en")),
        ("*", ()),
        ("de;q=0, fr", ("fr",)),
        ("", ()),
        ("de;q=x", ("de",)),
    ],
)
def test_languages_by_weight(text: str, found: tuple[str, ...]) -> None:
    assert parse(text) == found


def test_what_is_no_language() -> None:
    with pytest.raises(FhirError, match="'chinese_language' is not a language such as zh-CN"):
        parse("chinese_language")


@pytest.mark.parametrize(
    ("language", "wanted", "found"),
    [
        ("zh-CN", "zh", True),
        ("zh", "zh-cn", True),
        ("zh-TW", "zh-cn", False),
        (None, "zh", False),
        ("en", "e", False),
    ],
)
def test_who_speaks_what(language: str | None, wanted: str, found: bool) -> None:
    assert speaks(language, wanted) is found


@pytest.mark.parametrize(
    ("wanted", "language", "found"),
    [
        (("zh-cn",), "en", "男"),  # exactly
        (("zh-sg",), "en", "男性"),  # the nearest, and no definition
        (("zh",), "en", "男性"),
        (("fr", "no"), "en", "Mannlig"),
        (("en", "zh"), "en", "Male"),  # the code system's own language comes in its turn
        (("fr",), "en", "Male"),  # nobody speaks it
        ((), "en", "Male"),
    ],
)
def test_a_display_in_a_language(wanted: tuple[str, ...], language: str, found: str) -> None:
    assert display(MALE, wanted, language) == found
