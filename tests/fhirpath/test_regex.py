import time

import pytest

from fhir_server.fhirpath.regex import PatternError, matcher, replaced


def test_it_matches_anywhere_case_sensitive_and_across_lines() -> None:
    assert matcher("b.d")("ab\ndx")
    assert not matcher("^b")("ab")
    assert not matcher("B")("ab")
    assert matcher(r"^\p{Han}+$")("李明")


@pytest.mark.parametrize(
    "pattern", ["(", "a(?=b)", r"(a)\1", "a{1,100000}", "((a{0,100}){0,100}){0,100}", "a" * 3000]
)
def test_what_cannot_be_matched_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        matcher(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "([a-z]+)*@", r"^(\w+\s?)*$"])
def test_E17_no_pattern_holds_the_server(pattern: str) -> None:
    started = time.process_time()
    assert not matcher(pattern)("a" * 100_000 + "!")
    assert time.process_time() - started < 0.2


def test_groups() -> None:
    assert replaced(r"(\d+)/(?<year>\d+)", "${year}-$1 $$", "3/2012", 100) == "2012-3 $"
    assert replaced("b+", "x", "abbc", 100) == "axc"
    with pytest.raises(PatternError, match="no group"):
        replaced("a", "$2", "a", 100)


def test_what_grows_is_limited() -> None:
    with pytest.raises(PatternError, match="costly"):
        replaced("(.*)", "$1$1$1", "a" * 100, 200)
