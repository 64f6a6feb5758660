from fhir_server.recurring import Recurring


def test_what_came_once_has_come() -> None:
    recurring = Recurring(3)
    assert [recurring.has_come(each) for each in "abab"] == [False, False, True, True]


def test_only_so_many_are_known() -> None:
    recurring = Recurring(2)
    assert [recurring.has_come(each) for each in (1, 2, 2, 3, 2)] == [False, False, True, False, False]
