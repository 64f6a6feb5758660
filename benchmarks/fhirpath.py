"""CPU time of FHIRPath: search expressions and base constraints of R4 over real resources.

    python -m benchmarks.fhirpath

Prints µs per evaluation, and the ratio to fhirpathpy where that is installed.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fhir_server import resource
from fhir_server.definitions.registry import Definitions, load
from fhir_server.fhirpath import Expression, FhirPathError, Scope, compile_expression
from tests.examples import official_examples, synthea_bundles
from tests.fhirpath.elements import elements

TYPICAL = (
    ("Patient", "Patient.name.family"),
    ("Patient", "Patient.identifier"),
    ("Patient", "Patient.birthDate"),
    ("Patient", "Patient.name | Patient.contact.name"),
    ("Patient", "Patient.telecom.where(system='phone')"),
    ("Patient", "(Patient.deceased as dateTime)"),
    ("Patient", "Patient.deceased.exists() and Patient.deceased != false"),
    ("Observation", "Observation.code"),
    ("Observation", "Observation.value as Quantity"),
    ("Observation", "Observation.effective"),
    ("Observation", "Observation.subject.where(resolve() is Patient)"),
    ("Encounter", "Encounter.participant.individual.where(resolve() is Practitioner)"),
)
SIZE_LIMIT = 100_000  # bytes: beyond it one example weighs more than all others
REPEATS = 5


def synthea() -> list[dict[str, Any]]:
    """One resource in ten of the bundles."""
    entries = (entry["resource"] for _, text in synthea_bundles() for entry in resource.decode(text)["entry"])
    return list(entries)[::10]


def examples() -> list[dict[str, Any]]:
    return [resource.decode(text) for _, text in official_examples() if len(text) < SIZE_LIMIT]


def cpu_us(run: Callable[[], int]) -> float:
    """The best of some runs of `run`, which answers how much it did, per thing done."""
    best = float("inf")
    for _ in range(REPEATS):
        started = time.process_time()
        count = run()
        best = min(best, (time.process_time() - started) / count * 1e6)
    return best


def search_work(
    definitions: Definitions, resources: Iterable[dict[str, Any]]
) -> Iterator[tuple[Expression, dict[str, Any]]]:
    for each in resources:
        for parameter in definitions.search_parameters(each["resourceType"]).values():
            if parameter.expression is not None:
                yield compile_expression(parameter.expression, definitions, each["resourceType"]), each


def evaluations(work: list[tuple[Expression, dict[str, Any]]]) -> Callable[[], int]:
    def run() -> int:
        for expression, each in work:
            expression.evaluate(each)
        return len(work)

    return run


def constraint_work(
    definitions: Definitions, resources: Iterable[dict[str, Any]]
) -> list[tuple[str, Expression, Any, Scope]]:
    found = []
    for each in resources:
        scope = Scope(resource=each)
        for element in elements(definitions, each):
            for constraint in element.constraints:
                try:
                    expression = compile_expression(constraint.expression, definitions, element.type)
                except FhirPathError:
                    continue
                found.append((constraint.key, expression, element.value, scope))
    return found


def truths(work: list[tuple[str, Expression, Any, Scope]]) -> Callable[[], int]:
    def run() -> int:
        for _, expression, value, scope in work:
            scope.memo.clear()
            expression.truth(value, scope)
        return len(work)

    return run


def slowest(work: list[tuple[str, Expression, Any, Scope]], count: int) -> list[tuple[str, float, int]]:
    """(key, µs per evaluation, evaluations) of the constraints that take most in total."""
    total: defaultdict[str, float] = defaultdict(float)
    times: Counter[str] = Counter()
    for key, expression, value, scope in work:
        scope.memo.clear()
        started = time.perf_counter()
        expression.truth(value, scope)
        total[key] += time.perf_counter() - started
        times[key] += 1
    most = sorted(total, key=total.__getitem__, reverse=True)[:count]
    return [(key, total[key] / times[key] * 1e6, times[key]) for key in most]


def peer() -> Callable[[str, dict[str, Any]], Any] | None:
    """fhirpathpy's way to evaluate; None: it is not installed."""
    try:
        import fhirpathpy
        from fhirpathpy.models import models
    except ImportError:
        return None
    compiled: dict[str, Callable[[dict[str, Any]], Any]] = {}

    def evaluate(text: str, each: dict[str, Any]) -> Any:
        if text not in compiled:
            compiled[text] = fhirpathpy.compile(text, models["r4"])
        return compiled[text](each)

    return evaluate


def peer_evaluations(
    evaluate: Callable[[str, dict[str, Any]], Any], work: list[tuple[Expression, dict[str, Any]]]
) -> Callable[[], int]:
    def run() -> int:
        failed = 0
        for expression, each in work:
            try:
                evaluate(expression.text, each)
            except Exception:
                failed += 1
        if failed:
            print(f"  fhirpathpy fails on {failed} of {len(work)}")
        return len(work)

    return run


def main() -> None:
    definitions = load()
    other = peer()
    for name, resources in (("examples", examples()), ("Synthea", synthea())):
        report(name, resources, definitions, other)
    by_type = {each["resourceType"]: each for each in synthea()}
    print("\ntypical expressions, Synthea")
    for type_name, text in TYPICAL:
        expression = compile_expression(text, definitions, type_name)
        work = [(expression, by_type[type_name])] * 2000
        line = f"  {cpu_us(evaluations(work)):7.2f} µs  {text}"
        if other is not None:
            line += f"  (fhirpathpy {cpu_us(peer_evaluations(other, work[:50])):.0f} µs)"
        print(line)


def report(
    name: str,
    resources: list[dict[str, Any]],
    definitions: Definitions,
    other: Callable[[str, dict[str, Any]], Any] | None,
) -> None:
    started = time.process_time()
    work = list(search_work(definitions, resources))
    compiling = time.process_time() - started
    ours = cpu_us(evaluations(work))
    per_resource = ours * len(work) / len(resources)
    print(f"\n{name}: {len(resources)} resources, {len(work)} evaluations, {compiling:.2f} s to compile")
    print(f"  search expressions   {ours:7.2f} µs an evaluation, {per_resource:7.1f} µs a resource")
    if other is not None:
        theirs = cpu_us(peer_evaluations(other, work[::20]))
        print(f"  fhirpathpy           {theirs:7.2f} µs an evaluation, {theirs / ours:.0f} times as much")
    constraints = constraint_work(definitions, resources)
    each = cpu_us(truths(constraints))
    per_resource = each * len(constraints) / len(resources)
    print(f"  base constraints     {each:7.2f} µs an evaluation, {per_resource:7.1f} µs a resource")
    for key, cost, count in slowest(constraints, 10):
        print(f"    {key:8} {cost:9.2f} µs x {count}")


if __name__ == "__main__":
    main()
