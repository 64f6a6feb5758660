"""In memory the algebra is the same: the contract's paging tests compare it with the index, node by node."""

from typing import get_args

from fhir_server.store import algebra
from fhir_server.store.matching import SORT_VALUES, TESTS


def test_every_node_can_be_judged() -> None:
    assert TESTS.keys() == set(get_args(algebra.Node))


def test_every_kind_of_sort_key_has_its_values() -> None:
    assert SORT_VALUES.keys() == set(get_args(algebra.SortKey.__annotations__["kind"]))
