"""SQLite's errors in the words of HTTP: 503, and 400 for a question larger than a statement may be."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import apsw

from fhir_server.outcome import FhirError, lock_unavailable, store_unavailable, too_costly

# https://www.sqlite.org/limits.html
_TOO_LARGE = ("too many SQL variables", "Expression tree is too large", "parser stack overflow")

P = ParamSpec("P")
T = TypeVar("T")


def unavailable(error: apsw.Error) -> FhirError | None:
    """What a client is told when the store cannot do its work; None for errors that are our own."""
    match error:
        case apsw.BusyError() | apsw.LockedError():
            return lock_unavailable("the store is locked by another program")
        case apsw.FullError():
            return store_unavailable("the disk of the store is full")
        case apsw.ReadOnlyError():
            return store_unavailable("the store is read-only")
        case apsw.IOError() | apsw.CantOpenError() | apsw.NoMemError():
            return store_unavailable("the disk of the store does not answer as it should")
        case apsw.SQLError() if str(error).startswith(_TOO_LARGE):
            return too_costly("the search comes to too many comparisons; name the types of its chains")
        case _:
            return None


def outcomes(call: Callable[P, T]) -> Callable[P, T]:
    """`call`, raising FhirError in place of SQLite's error where there is one to say it."""

    @wraps(call)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except apsw.Error as error:
            raise unavailable(error) or error from error

    return wrapped
