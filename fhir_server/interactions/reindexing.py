"""How far the jobs are that fill the index: for searches that come too early, and for operators."""

from fhir_server.search.rules import BuildingError
from fhir_server.store.jobs import Job
from fhir_server.store.protocol import Reader

_RETRY_S = 5  # when nothing is known of how long it takes
_LONGEST_RETRY_S = 3600


async def with_progress(store: Reader, error: BuildingError) -> BuildingError:
    """`error` with how far the job is, and when to ask again."""
    job = await store.job(error.job)
    if job is None:
        return error
    wait = _RETRY_S if job.left_s is None else min(max(1, job.left_s), _LONGEST_RETRY_S)
    return BuildingError(error.what, job.id, progress(job), wait)


def progress(job: Job) -> str:
    """`running, 412,000 of 1,000,000 resources, 3,100 a second, some 190 s left`"""
    parts = [str(job.state)]
    if job.total:
        parts.append(f"{job.done:,} of {job.total:,} resources")
    if job.open and job.per_second is not None:
        parts.append(f"{job.per_second:,.0f} a second")
    if job.open and job.left_s is not None:
        parts.append(f"some {job.left_s:,} s left")
    return ", ".join(parts)
