import pytest

from fhir_server.fhirpath import FhirPathError
from fhir_server.fhirpath.functions import FUNCTIONS, NOT_SUPPORTED, function


def test_what_is_there_is_not_refused() -> None:
    assert not NOT_SUPPORTED & FUNCTIONS.keys()


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
    yearOf monthOf dayOf hourOf minuteOf secondOf millisecondOf timezoneOffsetOf dateOf timeOf
"""


@pytest.mark.parametrize("name", SPECIFIED.split())
def test_a_function_of_the_specification_is_there(name: str) -> None:
    assert name in FUNCTIONS


@pytest.mark.parametrize("name", sorted(NOT_SUPPORTED))
def test_what_is_not_supported_says_so(name: str) -> None:
    with pytest.raises(FhirPathError, match="not supported"):
        function(name, 0, 7)
