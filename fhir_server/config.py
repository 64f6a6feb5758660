"""Settings: from a TOML file, the environment and flags; the later wins. Checked by config.schema.json."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fhir_server.suggestion import did_you_mean

ENVIRONMENT_PREFIX = "FHIR_SERVER_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What each one means, and what is allowed, stands in config.schema.json."""

    host: str = "127.0.0.1"
    port: int = 8000
    data: str = "data"
    store: str = "sqlite"
    workers: int = 1
    base_url: str | None = None  # None: the Host header of each request tells
    demo: bool = False
    open: bool = False
    time_zone: str = "Asia/Shanghai"
    strict: bool = True
    page_size: int = 20
    page_size_limit: int = 1000
    packages: tuple[str, ...] = ()
    alliance: bool = True
    npm_registry: str | None = None  # None: npm's own setting
    profiles: tuple[str, ...] = ()
    unknown_profiles: str = "warn"
    refuse_from: str = "error"
    cors_origins: tuple[str, ...] = ()
    log: str = "stderr"
    body_bytes: int = 16 * 1024 * 1024
    body_bytes_held: int = 64 * 1024 * 1024
    body_timeout_s: float = 30
    requests_in_flight: int = 512
    header_count: int = 100
    header_bytes: int = 64 * 1024
    url_bytes: int = 16_000
    bundle_entries: int = 10_000
    conditional_delete: str = "single"
    conditional_delete_limit: int = 1000
    versioned_update: tuple[str, ...] = ()
    referential_integrity: tuple[str, ...] = ()
    gzip_from_bytes: int = 2048
    keep_alive_s: int = 65
    stop_timeout_s: int = 20
    search_timeout_s: float = 10
    expansion_limit: int = 50_000
    terminology_server: str | None = None  # None: no other server is asked
    terminology_server_timeout_s: float = 5
    terminology_server_cache_s: int = 3600
    referral_stat_minutes: int = 10
    referral_asap_minutes: int = 120
    referral_urgent_minutes: int = 1440
    referral_routine_days: int = 3
    holidays: tuple[str, ...] = ()
    working_weekends: tuple[str, ...] = ()

    @property
    def data_folder(self) -> Path:
        return Path(self.data)


class SettingError(Exception):
    """A setting has a value that is not allowed: names setting, value, where it came from, what is."""


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """The settings of `file`, over them those of the environment, over them the flags that are not None."""
    found: dict[str, tuple[object, str]] = {}  # setting: value, where it came from
    if file is not None:
        found |= _of_file(file)
    found |= _of_environment(environment)
    # the command line checks flags itself, by the same schema: a start without file and environment need not
    unchecked = bool(found)
    found |= {name: (value, _flag(name)) for name, value in (flags or {}).items() if value is not None}
    if unchecked:
        _check(found)
    return Settings(**{name: _frozen(value) for name, (value, _) in found.items()})


def _of_file(file: Path) -> dict[str, tuple[object, str]]:
    import tomllib

    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"the settings file {file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"the settings file {file} is not TOML: {error}") from None
    return {name: (value, str(file)) for name, value in table.items()}


def _of_environment(environment: Mapping[str, str]) -> dict[str, tuple[object, str]]:
    return {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): (
            _from_text(name.removeprefix(ENVIRONMENT_PREFIX).lower(), text),
            f"the environment variable {name}",
        )
        for name, text in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }


def _flag(name: str) -> str:
    return f"the flag --{name.replace('_', '-')}"


def _from_text(name: str, text: str) -> object:
    """The value that the text of an environment variable stands for, by the type that the setting has.

    A text that does not fit stays text: the check then says what is allowed.
    """
    rule = schema()["properties"].get(name, {})
    kinds = rule.get("type", "string")
    match kinds:
        case "boolean":
            return _TRUTH.get(text.lower(), text)
        case "integer" | "number":
            try:
                return int(text) if kinds == "integer" else float(text)
            except ValueError:
                return text
        case "array":
            return [part for part in (part.strip() for part in text.split(",")) if part]
        case _:
            return None if text == "" and "null" in kinds else text


_TRUTH = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


@cache
def schema() -> Any:
    """The JSON Schema of the settings."""
    return json.loads(Path(__file__).with_name("config.schema.json").read_bytes())


def _check(found: dict[str, tuple[object, str]]) -> None:
    # imported here: 0.1 s that a server without file and environment does not wait for
    from jsonschema import Draft202012Validator, FormatChecker

    formats = FormatChecker(())
    formats.checks("time-zone")(_is_time_zone)
    values = {name: list(value) if isinstance(value, tuple) else value for name, (value, _) in found.items()}
    errors = list(Draft202012Validator(schema(), format_checker=formats).iter_errors(values))
    if errors:
        raise SettingError("\n".join(sorted(line for error in errors for line in _lines(error, found))))


def _is_time_zone(value: object) -> bool:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return not isinstance(value, str) or bool(ZoneInfo(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _lines(error: Any, found: dict[str, tuple[object, str]]) -> list[str]:
    if not error.path:  # no property: the only rule of the whole object is that its names are known
        return [_unknown(name, found[name][1]) for name in found if name not in schema()["properties"]]
    name = str(error.path[0])
    value, source = found[name]
    rule = schema()["properties"][name]
    return [f"{name} is {json.dumps(value, default=str)} in {source}; allowed is {allowed(rule)}"]


def _unknown(name: str, source: str) -> str:
    hint = did_you_mean(name, schema()["properties"])
    return f"{name} in {source} is not a setting of this server{hint}"


def allowed(rule: Any) -> str:
    """What a property of the schema allows, in words."""
    if "enum" in rule:
        return " or ".join(json.dumps(value) for value in rule["enum"])
    kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    text = " or ".join(_KINDS[kind] for kind in kinds)
    if "array" in kinds:
        return f"{text}, each {allowed(rule['items'])}"
    if "minimum" in rule or "exclusiveMinimum" in rule:
        text += f" from {rule.get('minimum', rule.get('exclusiveMinimum'))} to {rule['maximum']}"
    if "pattern" in rule:
        text += f" like {rule['pattern']}"
    if "format" in rule:
        text += f" that is a {rule['format'].replace('-', ' ')}"
    return text


_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "null": "nothing",
}


def _frozen(value: object) -> Any:
    return tuple(value) if isinstance(value, list) else value
