"""The page of the documentation about the networks: `python -m fhir_server.alliance.sample.page`."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from fhir_server.alliance.sample import totals
from fhir_server.alliance.sample.networks import resources
from fhir_server.alliance.sample.world import LETTERS, World
from fhir_server.alliance.systems import code_system
from fhir_server.resource import Resource

_TITLES = {
    "A": "a specialty alliance of twelve counties on both sides of a provincial border, led by the hospital "
    "of 430181; each county a community of its own",
    "B": "a county community, 433127: a county hospital with five hospitals above it and six township "
    "centres, a hospital of Chinese medicine with two and two, village clinics",
    "C": "five groups of a city, 430700, with agreements of 7 to 19 parties and 14 experts posted for a year",
    "D": "a provincial hospital and its branch in a county, 330822: ten township centres in trusteeship, "
    "eleven specialties, two as a whole",
}
_HEAD = """# The demonstration networks

Four networks of invented hospitals and people, made from a seed: the same seed makes the same bytes,
another one other people, as many and in the same states. Codes of divisions (GB/T 2260) are real, so that
identifiers pass their checks; no name is of a hospital or a person that exists. Every resource has the
tag `sample-data|demonstration` and claims the profile of the alliance that is meant for it.

```
fhir-server demo load                          # network A, as serve --demo
fhir-server demo load --network B --seed 7
```

A network is loaded once; a load that was killed goes on after the last transaction that was committed.
Networks, and seeds of one, stand in a store beside each other: ids of A begin as in
`organization-430181`, those of the others have the letter in them (`organization-b-county`), those of
another seed the seed too (`organization-b7-county`).

This page is written by `python -m fhir_server.alliance.sample.page`.
"""
_TOTALS = (
    ("R-UP", "inpatients referred up that arrived", totals.UP_ARRIVALS, "人次"),
    ("R-DOWN", "inpatients referred down that arrived", totals.DOWN_ARRIVALS, "人次"),
    ("ROT-EXPERTS", "experts who held a session", totals.EXPERTS, "名"),
    ("ROT-SESSIONS", "clinics, free clinics and guidance", totals.SESSIONS, "次"),
    ("ROT-SERVED", "people served in them", totals.SERVED, "人次"),
    ("ROT-DOWN-POSTED", "experts posted", totals.POSTED, "名"),
    ("ROT-LONGTERM", "experts posted for six months or more", totals.LONG_TERM_POSTED, "名"),
    ("ROT-BATCH", "teams sent down", totals.BATCHES, "批"),
    ("ROT-OUT-TRAIN", "doctors sent up to train", totals.OUTBOUND_TRAINEES, "名"),
    ("EDU-COURSES", "lectures and trainings", totals.COURSES, "期"),
    ("EDU-ATTEND", "attendances of them", totals.ATTENDANCES, "人次"),
    ("ACT-CASE", "case discussions", totals.CASE_DISCUSSIONS, "次"),
    ("ACT-CONSULT", "consultations", totals.CONSULTS, "次"),
    ("ACT-ROUND", "teaching rounds", totals.TEACHING_ROUNDS, "次"),
    ("CAP-NEWTECH", "new techniques", totals.NEW_TECHNIQUES, "项"),
    ("CAP-SURGEON", "surgeons of the third level", totals.SURGEONS_3, "名"),
    ("CAP-SURGEON", "surgeons of the fourth level", totals.SURGEONS_4, "名"),
    ("GRN-CASES", "chest pain in the green channel", totals.CHEST_PAIN_CASES, "例"),
    ("GRN-CASES", "stroke in the green channel", totals.STROKE_CASES, "例"),
    ("TEL-CASES", "teleconsultations", totals.TELECONSULTS, "例"),
    ("COM-CASES", "cases discussed in writing", totals.CASES_DISCUSSED, "例"),
    ("COM-SOLVED", "of them answered", totals.CASES_SOLVED, "例"),
    ("GRP-SIZE", "members of chat groups", totals.GROUP_MEMBERS, "人"),
)
_B = """
## What the report of network B prints

For [2018-01-01, 2019-07-01) in China's time, whatever the seed, when the county hospital asks, which may read
its own small numbers. A test counts them by the definitions alone, another asks the report.

```
GET [base]/Organization/network-b-county/$work-report?start=2018-01-01&end=2019-07-01&format=csv
X-Acting-Organization: Organization/organization-b-county
```
"""
_NOT_COUNTED = """
What must not be counted is there on purpose, so that a count that forgets a rule finds another number:
referrals that were declined, cancelled, expired or never came; outpatients and emergencies; patients who
went across between the county's two hospitals; test data (`meta.security` HTEST); what was entered in
error; arrivals a second before the period and at its end, some of them written in UTC; sessions that were
cancelled, missed or booked; postings, trainings and techniques of other years. Referrals of network B by
what became of them:
"""
_TROUBLE = """
Every rule of [referrals](referral.md) from T1 to T16 occurs: wishes to cancel that were accepted and that
were rejected (T14), tasks that went from a hospital to a doctor of it (T15), patients whom the county
passed on to a hospital above it (T16).

Among its patients are six pairs of twins, 15 people who are registered in two hospitals (`Patient.link`),
eight who came without a name (`use` temp, no number), twelve whose identity number is wrong (kept under a
system of the hospital, because the profile refuses it as an identity number), compound surnames, and
names of minorities with the middle dot.
"""


def page(networks: Mapping[str, Sequence[Resource]]) -> str:
    """Markdown; `networks`: by letter, all resources of the first seed."""
    return "\n".join(
        (
            _HEAD,
            *_table(("network", "modelled on", "members", "resources"), _rows(networks)),
            _B,
            *_table(("measure", "what", "number", "unit"), _totals()),
            _NOT_COUNTED,
            *_table(("direction", "status", "business status", "referrals"), _states(networks["B"])),
            _TROUBLE,
            "## Resources by type\n",
            *_table(("type", *LETTERS), _types(networks)),
            "",
        )
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _rows(networks: Mapping[str, Sequence[Resource]]) -> Iterator[tuple[str, ...]]:
    for letter, found in networks.items():
        members = ", ".join(f"{number} {tier}" for tier, number in _tiers(found).items())
        yield letter, _TITLES[letter], members, f"{len(found):,}"


def _tiers(found: Iterable[Resource]) -> Counter[str]:
    system = code_system("organization-tier")
    return Counter(
        coding["code"]
        for resource in found
        if resource["resourceType"] == "Organization"
        for concept in resource["type"]
        for coding in concept["coding"]
        if coding["system"] == system
    )


def _totals() -> Iterator[tuple[str, ...]]:
    for measure, what, number, unit in _TOTALS:
        yield f"`{measure}`", what, f"{number:,}", unit


def _states(found: Iterable[Resource]) -> Iterator[tuple[str, ...]]:
    states: Counter[tuple[str, str, str]] = Counter()
    for resource in found:
        if resource["id"].startswith("task-") and "consult" not in resource["id"]:
            direction = resource["extension"][0]["valueCode"]
            business = resource["businessStatus"]["coding"][0]["code"]
            states[direction, resource["status"], business] += 1
    for state, number in sorted(states.items(), key=lambda one: (-len(one[0][0]), one[0])):
        yield *state, f"{number:,}"


def _types(networks: Mapping[str, Sequence[Resource]]) -> Iterator[tuple[str, ...]]:
    counts = {letter: Counter(one["resourceType"] for one in found) for letter, found in networks.items()}
    for name in sorted(set().union(*counts.values())):
        yield name, *(f"{counts[letter][name]:,}" if counts[letter][name] else "" for letter in LETTERS)


if __name__ == "__main__":
    sys.stdout.write(page({letter: list(resources(World(letter))) for letter in LETTERS}))
