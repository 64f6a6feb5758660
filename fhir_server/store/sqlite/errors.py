"""SQLite's errors in the words of HTTP: nothing but 503 and `too-costly` may come of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from fhir_server.outcome import FhirError, lock_unavailable, store_unavailable, too_costly

_REFUSALS = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.NoMemError)
_LOCKED = (apsw.BusyError, apsw.LockedError)


def unavailable(error: apsw.Error) -> FhirError | None:
    """What a client is told when the store cannot do its work now; None for errors that are our own."""
    match error:
        case apsw.BusyError() | apsw.LockedError():
            return lock_unavailable("the store is locked by another program")
        case apsw.FullError():
            return store_unavailable("the disk of the store is full")
        case apsw.ReadOnlyError():
            return store_unavailable("the store is read-only")
        case apsw.IOError() | apsw.CantOpenError() | apsw.NoMemError():
            return store_unavailable("the disk of the store does not answer as it should")
        case _:
            return None


@contextmanager
def as_outcome() -> Iterator[None]:
    """Raises the FhirError in place of SQLite's error."""
    try:
        yield
    except (*_REFUSALS, *_LOCKED) as error:
        found = unavailable(error)
        raise found or error from error


def search_too_costly(limit_s: float) -> FhirError:
    return too_costly(f"the search took more than {limit_s:g} s: add a more selective parameter")
