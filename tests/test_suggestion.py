from fhir_server.suggestion import choices, did_you_mean, nearest


def test_the_nearest() -> None:
    assert choices("nmae", ["name", "gender"]) == did_you_mean("nmae", ["name"]) == "; did you mean name?"
    assert choices("birthDate", ["birthdate", "name"]) == "; did you mean birthdate?"
    assert choices("deathdate", ["death-date", "birthdate"]) == "; did you mean death-date?"
    assert choices("birthdat", ["birthdate", "birthday"]) == "; did you mean birthdate or birthday?"


def test_the_spelling_of_the_known_name_counts() -> None:
    assert nearest("birth_date", ["birthDate"]) == ["birthDate"]


def test_all_when_nothing_is_near() -> None:
    assert choices("zzz", ["b", "a"]) == "; there are a, b"
    assert choices("zzz", []) == did_you_mean("zzz", ["b"]) == ""


def test_a_name_beyond_measure_is_compared_with_nothing() -> None:
    assert nearest("a" * 65, ["a" * 64]) == []
