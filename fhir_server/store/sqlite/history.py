"""History of a resource, of a type and of the whole store, newest first: ranges of the log.

https://hl7.org/fhir/R4/http.html#history
"""

from fhir_server.store.protocol import HistoryRange, Version
from fhir_server.store.sqlite.connection import snapshot
from fhir_server.store.sqlite.names import stored_id
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.terms import Sql


def history(here: Connected, range_: HistoryRange, limit: int) -> list[Version]:
    with snapshot(here.connection):
        found = _versions(here, range_)
        if found is None:
            return []
        rows = here.connection.execute(
            "SELECT v.seq, r.type, r.id, v.version_id, v.last_updated, v.method, v.body"
            f" FROM {found.text} ORDER BY v.seq DESC LIMIT ?",
            (*found.values, limit),
        )
        return [here.version(row) for row in rows]


def count(here: Connected, range_: HistoryRange) -> int:
    with snapshot(here.connection):
        found = _versions(here, range_)
        if found is None:
            return 0
        answer: int = here.connection.execute(f"SELECT count(*) FROM {found.text}", found.values).get
        return answer


def _versions(here: Connected, range_: HistoryRange) -> Sql | None:
    """`FROM` and `WHERE`; None when there is nothing."""
    source = "version v CROSS JOIN resource r ON r.key = v.key"
    where = _numbers(here, range_)
    if range_.resource_type is None:
        return Sql(f"{source} WHERE {where.text}", where.values)
    type_id = here.names.type_id(here.connection, range_.resource_type)
    if type_id is None:
        return None
    if range_.id is None:
        return Sql(
            "version v INDEXED BY version_by_type CROSS JOIN resource r ON r.key = v.key"
            f" WHERE v.type = ? AND {where.text}",
            (type_id, *where.values),
        )
    return Sql(
        "resource r CROSS JOIN version v INDEXED BY version_of ON v.key = r.key"
        f" WHERE r.type = ? AND r.id = ? AND {where.text}",
        (type_id, stored_id(range_.id), *where.values),
    )


def _numbers(here: Connected, range_: HistoryRange) -> Sql:
    """The range as sequence numbers: times in the log grow with them."""
    first, last = 0, here.last_sequence()
    if range_.since_ms is not None:
        first = here.sequence_at(range_.since_ms)
    if range_.before_ms is not None:
        last = min(last, here.sequence_at(range_.before_ms) - 1)
    if range_.before_sequence is not None:
        last = min(last, range_.before_sequence - 1)
    if range_.up_to_sequence is not None:
        last = min(last, range_.up_to_sequence)
    if range_.at_ms is None:
        return Sql("v.seq BETWEEN ? AND ?", (first, last))
    # current at some instant of a period: made before it ends, and not replaced before it begins
    begins = here.sequence_at(range_.at_ms + 1) - 1
    ends = begins if range_.at_last_ms is None else here.sequence_at(range_.at_last_ms + 1) - 1
    text = (
        "v.seq BETWEEN ? AND ? AND NOT EXISTS(SELECT 1 FROM version n"
        " WHERE n.key = v.key AND n.version_id = v.version_id + 1 AND n.seq <= ?)"
    )
    return Sql(text, (first, min(last, ends), begins))
