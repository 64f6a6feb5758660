"""trace(), now(), today(), timeOfDay().

https://hl7.org/fhirpath/N1/#utility-functions
"""

from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import Compiled, from_one
from fhir_server.fhirpath.moments import Moment, from_datetime, parse_moment, parse_time
from fhir_server.fhirpath.navigation import as_items
from fhir_server.fhirpath.scope import Scope


def _trace(call: Call) -> Compiled:
    """The focus itself; the scope may listen, the log never sees what may be a patient's."""
    name, run, model = call.string(0), call.focus.run, call.model
    projection = call.each(1) if call.count > 1 else None
    type_ = call.focus.type if projection is None else projection.type

    def many(this: Any, scope: Scope) -> list[Any]:
        items = run(this, scope)
        if scope.trace is not None:
            shown = items
            if projection is not None:
                before, shown = scope.index, []
                for scope.index, item in enumerate(items):
                    shown += projection.run(item, scope)
                scope.index = before
            scope.trace(name(this, scope) or "", shown if type_ is None else as_items(model, shown, type_))
        return items

    return Compiled(many, call.focus.type)


def _now(this: Any, scope: Scope) -> Moment:
    return from_datetime(scope.now())


def _today(this: Any, scope: Scope) -> Moment | None:
    return parse_moment(scope.now().date().isoformat())


def _time_of_day(this: Any, scope: Scope) -> Moment | None:
    return parse_time(scope.now().time().isoformat(timespec="milliseconds"))


FUNCTIONS = {
    "trace": Function(_trace, 1, 2),
    "now": Function(lambda call: from_one(_now, "System.DateTime")),
    "today": Function(lambda call: from_one(_today, "System.Date")),
    "timeOfDay": Function(lambda call: from_one(_time_of_day, "System.Time")),
}
