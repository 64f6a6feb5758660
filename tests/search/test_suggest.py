from fhir_server.search.suggest import did_you_mean


def test_the_nearest() -> None:
    assert did_you_mean("nmae", ["name", "gender"]) == "; did you mean name?"
    assert did_you_mean("birthDate", ["birthdate", "name"]) == "; did you mean birthdate?"
    assert did_you_mean("date", ["birthdate", "death-date"]) == "; did you mean birthdate?"


def test_all_when_nothing_is_near() -> None:
    assert did_you_mean("zzz", ["b", "a"]) == "; there are a, b"
    assert did_you_mean("zzz", []) == ""
