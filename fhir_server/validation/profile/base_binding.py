"""Bindings of the base specification that are not required: told by `$validate`, refused by no write.

https://hl7.org/fhir/R4/terminologies.html#strength
"""

from collections.abc import Iterable
from functools import cache

from fhir_server.definitions.types import Binding
from fhir_server.validation.profile.binding import among, binding, codes_of
from fhir_server.validation.profile.finding import NOTHING, Found, Rule, behind
from fhir_server.validation.profile.run import Run
from fhir_server.validation.survey import Bound

SOURCE = "FHIR R4"


def check(surveyed: Iterable[Bound], run: Run) -> Found:
    found = NOTHING
    for bound in surveyed:
        value_set = bound.binding.value_set
        assert value_set is not None
        codes = list(codes_of(bound.type, bound.value))
        answers = {code: among(run, value_set, [code]) for code in codes}
        run.gathered.passed.update((value_set, *code) for code, answer in answers.items() if answer)
        run.gathered.undecided.update(
            (value_set, *code) for code, answer in answers.items() if answer is None
        )
        if codes and not any(answer is not False for answer in answers.values()):
            told = _rule(bound.binding)(bound.value, None, bound.type, run)
            found = [*found, *behind(bound.trail.path(""), told)]
    return found


@cache
def _rule(binding_: Binding) -> Rule:
    rule = binding({"strength": binding_.strength, "valueSet": binding_.value_set}, SOURCE)
    assert rule is not None
    return rule
