"""What a client is told when SQLite cannot do what it is asked."""

from typing import Any

import pytest

from fhir_server.outcome import FhirError
from fhir_server.store.algebra import Node, Not, Or, Query, StringContains
from fhir_server.store.protocol import Store
from tests.store.conftest import Run
from tests.store.resources import patient, put_all


def many(number: int) -> Node:
    """None of the texts is found, so that the search has to look for all of them."""
    return Not(Or(tuple(StringContains("Patient.name", f"text{n}") for n in range(number))))


@pytest.mark.parametrize("number", [400, 40_000])
def test_E08_a_question_of_more_comparisons_than_a_statement_may_have(
    store: Store, run: Run[Any], number: int
) -> None:
    async def test() -> None:
        await put_all(store, patient("p", strings=[["Patient.name", "eve", 1]]))
        query = Query(("Patient",), many(number), 5)
        if number == 400:
            assert len((await store.find(query)).hits) == 1
            return
        for ask in (store.find(query), store.count(("Patient",), query.where)):
            with pytest.raises(FhirError) as caught:
                await ask
            (issue,) = caught.value.issues
            assert (caught.value.status, issue.code) == (400, "too-costly")
            assert "too many comparisons" in issue.diagnostics
        assert await store.read("Patient", "p") is not None  # the connection is unharmed

    run(test())
