"""Bindings of the base specification that are not required: told by `$validate`, refused by no write.

https://hl7.org/fhir/R4/terminologies.html#strength
"""

from collections.abc import Iterable

from fhir_server.validation.profile.binding import SEVERITIES, among, codes_of, outside
from fhir_server.validation.profile.finding import NOTHING, Found, behind
from fhir_server.validation.profile.run import Run
from fhir_server.validation.survey import Bound

SOURCE = "FHIR R4"


def check(surveyed: Iterable[Bound], run: Run) -> Found:
    found, gathered = NOTHING, run.gathered
    for binding, type_, value, trail in surveyed:
        value_set = binding.value_set
        assert value_set is not None
        codes = list(codes_of(type_, value))
        is_outside = bool(codes)
        for code in codes:
            answer = among(run, value_set, (code,))
            if answer is not False:
                is_outside = False
                (gathered.passed if answer else gathered.undecided).add((value_set, *code))
        if is_outside:
            told = outside(codes, value_set, SEVERITIES[binding.strength], binding.strength, SOURCE)
            found = [*found, *behind(trail.path(""), told)]
    return found
