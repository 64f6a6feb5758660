"""SQLite's errors in the words of HTTP: nothing but 503 may come of them."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import apsw

from fhir_server.outcome import FhirError, lock_unavailable, store_unavailable

P = ParamSpec("P")
T = TypeVar("T")


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


def outcomes(call: Callable[P, T]) -> Callable[P, T]:
    """`call`, raising FhirError in place of SQLite's error where there is one to say it."""

    @wraps(call)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except apsw.Error as error:
            raise unavailable(error) or error from error

    return wrapped
