import pytest

from fhir_server.fhirpath import FhirPathError
from fhir_server.fhirpath.functions import FUNCTIONS, function

# https://hl7.org/fhirpath/N1/ sections 5 and 7; is(), as() and the operators are no entries of the table.
# https://hl7.org/fhir/R4/fhirpath.html#functions, and what https://hl7.org/fhirpath/ has for trial use
SPECIFIED = """
    empty exists all allTrue anyTrue allFalse anyFalse subsetOf supersetOf count distinct isDistinct
    where select repeat ofType
    single first last tail skip take intersect exclude union combine
    iif toBoolean convertsToBoolean toInteger convertsToInteger toDate convertsToDate toDateTime
    convertsToDateTime toDecimal convertsToDecimal toQuantity convertsToQuantity toString convertsToString
    toTime convertsToTime
    indexOf substring startsWith endsWith contains upper lower replace matches replaceMatches length toChars
    abs ceiling exp floor ln log power round sqrt truncate
    children descendants trace now timeOfDay today not aggregate type
    extension hasValue getValue resolve memberOf conformsTo htmlChecks
    elementDefinition slice checkModifiers subsumes subsumedBy
    lowBoundary highBoundary precision defineVariable sort coalesce repeatAll
    encode decode escape unescape split join trim matchesFull lastIndexOf
    toLong convertsToLong duration difference pathname comparable sum min max avg
    yearOf monthOf dayOf hourOf minuteOf secondOf millisecondOf timezoneOffsetOf dateOf timeOf
"""


@pytest.mark.parametrize("name", SPECIFIED.split())
def test_a_function_of_the_specification_is_there(name: str) -> None:
    assert name in FUNCTIONS


def test_there_is_nothing_that_no_specification_has() -> None:
    # hasExtension() is of no published version: search parameters of extension packages use it
    assert FUNCTIONS.keys() - SPECIFIED.split() == {"hasExtension"}


def test_a_function_that_is_not_there_says_which_is_near() -> None:
    with pytest.raises(FhirPathError, match=r"did you mean duration"):
        function("durations", 0, 7)
