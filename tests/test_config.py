from dataclasses import fields
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from fhir_server.config import SettingError, Settings, load_settings, schema


def written(folder: Path, text: str) -> Path:
    file = folder / "fhir-server.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_schema_and_settings_have_the_same_names_and_defaults() -> None:
    properties = schema()["properties"]
    assert set(properties) == {field.name for field in fields(Settings)}
    for field in fields(Settings):
        default = properties[field.name]["default"]
        assert (tuple(default) if isinstance(default, list) else default) == field.default
    assert all(rule["description"] for rule in properties.values())


def test_the_defaults_are_allowed() -> None:
    values = {name: rule["default"] for name, rule in schema()["properties"].items()}
    Draft202012Validator(schema()).validate(values)


def test_nothing_given_is_the_defaults() -> None:
    assert load_settings(environment={}) == Settings()


def test_file_then_environment_then_flag(tmp_path: Path) -> None:
    file = written(tmp_path, "port = 1\nworkers = 2\npage_size = 3\n")
    found = load_settings(file, {"FHIR_SERVER_WORKERS": "4", "FHIR_SERVER_PAGE_SIZE": "5"}, {"page_size": 6})
    assert (found.port, found.workers, found.page_size) == (1, 4, 6)


def test_a_flag_that_is_not_given_changes_nothing() -> None:
    assert load_settings(environment={"FHIR_SERVER_PORT": "81"}, flags={"port": None}).port == 81


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("OPEN", "true", True),
        ("OPEN", "off", False),
        ("PORT", "0", 0),
        ("BODY_TIMEOUT_S", "2.5", 2.5),
        ("BASE_URL", "https://hie.example.cn/fhir", "https://hie.example.cn/fhir"),
        ("BASE_URL", "", None),
        ("CORS_ORIGINS", "https://a.example, https://b.example", ("https://a.example", "https://b.example")),
        ("TIME_ZONE", "Europe/Zurich", "Europe/Zurich"),
    ],
)
def test_environment_texts_become_values(name: str, text: str, value: object) -> None:
    assert getattr(load_settings(environment={f"FHIR_SERVER_{name}": text}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("PORT", "70000", "port is 70000 in the environment variable FHIR_SERVER_PORT; "
                          "allowed is a whole number from 0 to 65535"),
        ("PORT", "eighty", 'port is "eighty" in the environment variable FHIR_SERVER_PORT; '
                           "allowed is a whole number from 0 to 65535"),
        ("OPEN", "maybe", 'open is "maybe" in the environment variable FHIR_SERVER_OPEN; '
                          "allowed is true or false"),
        ("STORE", "dbase", 'store is "dbase" in the environment variable FHIR_SERVER_STORE; '
                           'allowed is "sqlite"'),
        ("TIME_ZONE", "Asia/Atlantis", 'time_zone is "Asia/Atlantis" in the environment variable '
                                       "FHIR_SERVER_TIME_ZONE; allowed is a text that is a time zone"),
        ("PROT", "1", "prot in the environment variable FHIR_SERVER_PROT is not a setting of this server; "
                      "did you mean port?"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_allowed_says_which_where_and_what_is(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingError) as error:
        load_settings(environment={f"FHIR_SERVER_{name}": text})
    assert str(error.value) == message


def test_every_wrong_setting_is_named_at_once(tmp_path: Path) -> None:
    file = written(tmp_path, 'port = "x"\nworkers = 0\ncors_origins = ["a.example"]\n')
    with pytest.raises(SettingError) as error:
        load_settings(file, {})
    lines = str(error.value).splitlines()
    assert [line.split()[0] for line in lines] == ["cors_origins", "port", "workers"]
    assert all(str(file) in line for line in lines)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read: No such file"):
        load_settings(tmp_path / "absent.toml", {})


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="is not TOML"):
        load_settings(written(tmp_path, "port: 1"), {})


def test_base_url_has_no_slash_at_the_end() -> None:
    with pytest.raises(SettingError, match="base_url"):
        load_settings(environment={"FHIR_SERVER_BASE_URL": "https://hie.example.cn/fhir/"})
