"""Work that outlives a request: what is to be done, how far it is, kept in the store.

A job is done by the one process that leads (`Store.lead`), in small units of work that each keep, with what
they did, how far they came: a job that is killed anywhere goes on from its last unit.
"""

from typing import Literal, NamedTuple, get_args

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)
OPEN: tuple[JobState, ...] = ("waiting", "running")
"""States of jobs that there is still something to do for."""


class Job(NamedTuple):
    id: str
    kind: str
    task: bytes  # JSON: what is to be done, as the kind writes it down
    state: JobState = "waiting"
    progress: bytes = b""  # JSON: where to go on; b"": at the beginning
    done: int = 0
    total: int = 0  # what `done` will have come to at the end; 0: not known
    worked_ms: int = 0  # time spent on it, by whichever processes
    message: str = ""  # why it failed, or what else there is to say
    created_ms: int = 0  # set by the store
    updated_ms: int = 0  # set by the store

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def per_second(self) -> float | None:
        """None: not known yet."""
        return 1000 * self.done / self.worked_ms if self.done and self.worked_ms else None

    @property
    def left_s(self) -> int | None:
        """How long it will take if it goes on as it went; None: not known."""
        rate = self.per_second
        return None if rate is None or not self.total else round(max(0, self.total - self.done) / rate)
