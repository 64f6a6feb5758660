"""Jobs and rules as rows."""

from typing import Any

from fhir_server.store.jobs import OPEN, Job
from fhir_server.store.protocol import mark_of
from fhir_server.store.sqlite.errors import outcomes
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.writing import Writing

_FIELDS = "id, kind, task, state, progress, done, total, worked, message, created, updated"
_JOB = f"SELECT {_FIELDS} FROM job WHERE id = ?"
_JOBS = f"SELECT {_FIELDS} FROM job WHERE ifnull(kind = ?, 1) ORDER BY number"
_PUT = f"""
INSERT INTO job({_FIELDS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(id) DO UPDATE SET state = excluded.state, progress = excluded.progress, done = excluded.done,
total = excluded.total, worked = excluded.worked, message = excluded.message, updated = excluded.updated"""
_SET_RULES = "INSERT OR REPLACE INTO rules(id, mark, value) VALUES(1, ?, ?)"


@outcomes
def rules(here: Connected) -> bytes:
    return here.connection.execute("SELECT value FROM rules").get or b""


def set_rules(here: Writing, value: bytes) -> None:
    here.before_write()
    here.see_rules(mark_of(value))
    here.connection.execute(_SET_RULES, (here.rules_mark, value))


@outcomes
def job(here: Connected, id_: str) -> Job | None:
    row: Any = here.connection.execute(_JOB, (id_,)).get
    return None if row is None else Job(*row)


@outcomes
def jobs(here: Connected, kind: str | None, open_only: bool) -> list[Job]:
    found = [Job(*row) for row in here.connection.execute(_JOBS, (kind,))]
    return [each for each in found if each.state in OPEN] if open_only else found


def put_job(here: Writing, given: Job) -> None:
    here.before_write()
    now = here.clock()
    here.connection.execute(_PUT, given._replace(created_ms=now, updated_ms=now))


def drop_job(here: Writing, id_: str) -> None:
    here.before_write()
    here.connection.execute("DELETE FROM job WHERE id = ?", (id_,))
