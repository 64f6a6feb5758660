"""$validate-code: whether codes are those of a code system or of a value set, and their displays right.

https://hl7.org/fhir/R4/codesystem-operation-validate-code.html,
https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fhir_server.terminology import languages
from fhir_server.terminology.compose import Composed
from fhir_server.terminology.concepts import About, CodeSystem, Concept
from fhir_server.terminology.languages import Languages
from fhir_server.terminology.snapshot import Snapshot
from fhir_server.terminology.words import folded

_SHOWN = 6  # displays that a message names


class Coding(NamedTuple):
    code: str
    system: str | None = None  # None: whichever the value set has the code of
    version: str | None = None
    display: str | None = None

    @property
    def token(self) -> str:
        return self.code if self.system is None else f"{self.system}|{self.code}"


@dataclass(frozen=True, slots=True)
class Verdict:
    result: bool
    messages: tuple[str, ...] = ()  # why not; with a true result hints
    display: str | None = None  # the one to use; None: there is none, or no such code


@dataclass(frozen=True, slots=True)
class Conditions:
    abstract: bool = False  # True: codes that only group others are allowed
    languages: Languages = field(default=())


async def in_code_system(system: CodeSystem, coding: Coding, conditions: Conditions) -> Verdict:
    about = system.about
    if coding.system is not None and coding.system != about.url:
        return Verdict(False, (f"{coding.token} is not a code of {about.canonical}",))
    concept = await system.concept(coding.code)
    if concept is None:
        return Verdict(False, (_unknown(coding.code, about),))
    return _judged(concept, about, coding, conditions)


async def in_value_set(
    snapshot: Snapshot, members: Composed, name: str, codings: Sequence[Coding], conditions: Conditions
) -> Verdict:
    """True when one of the codings is in the value set; name: its canonical, for messages."""
    verdicts = [await _in_value_set(snapshot, members, name, each, conditions) for each in codings]
    right = next((each for each in verdicts if each.result), None)
    messages = tuple(dict.fromkeys(text for each in verdicts for text in each.messages))
    if right is not None:
        return Verdict(True, messages, right.display)
    return Verdict(False, messages, next((each.display for each in verdicts if each.display), None))


async def _in_value_set(
    snapshot: Snapshot, members: Composed, name: str, coding: Coding, conditions: Conditions
) -> Verdict:
    systems = sorted(members.systems) if coding.system is None else [coding.system]
    found = await members.having([(system, coding.code) for system in systems])
    if not found:
        return await _not_in(snapshot, name, coding)
    if len(found) > 1:
        among = ", ".join(sorted(system for system, _ in found))
        return Verdict(False, (f"{coding.code!r} is a code of {among}: say which system is meant",))
    (key, entry), *_ = found.items()
    if coding.version is not None and entry.version not in (None, coding.version):
        wrong = f"{name} has {key[0]}|{key[1]} of version {entry.version}, not of version {coding.version}"
        return Verdict(False, (wrong,))
    system = await snapshot.code_system(key[0], entry.version)
    if system is not None and system.about.content == "complete" and not await system.concepts([key[1]]):
        return Verdict(False, (_unknown(key[1], system.about),))
    about = About(key[0], entry.version) if system is None else system.about
    return _judged(entry.concept, about, coding, conditions)


async def _not_in(snapshot: Snapshot, name: str, coding: Coding) -> Verdict:
    messages = [f"{coding.token} is not in {name}"]
    display = None
    if coding.system is not None:
        system = await snapshot.code_system(coding.system, coding.version)
        concept = None if system is None else await system.concept(coding.code)
        if concept is not None:
            display = concept.display
        elif system is not None:
            messages.append(_unknown(coding.code, system.about))
    return Verdict(False, tuple(messages), display)


def _unknown(code: str, about: About) -> str:
    if about.content == "complete":
        return f"{code!r} is not a code of {about.canonical}"
    return (
        f"{code!r} is not among the codes of {about.canonical} that are here: they are a {about.content} only"
    )


def _judged(concept: Concept, about: About, coding: Coding, conditions: Conditions) -> Verdict:
    """What is left to say of a code that there is."""
    display = languages.display(concept, conditions.languages, about.language)
    if concept.abstract and not conditions.abstract:
        return Verdict(False, (f"{about.url}|{concept.code} is abstract: it groups other codes",), display)
    wrong = wrong_display(concept, coding.display)
    if wrong is not None:
        return Verdict(False, (wrong,), display)
    hints = (f"{about.url}|{concept.code} is inactive",) if concept.inactive else ()
    return Verdict(True, hints, display)


def wrong_display(concept: Concept, given: str | None) -> str | None:
    """Why a display is none of the concept's names, in any language; case and blanks do not count."""
    if given is None:
        return None
    names = [] if concept.display is None else [concept.display]
    names += [each.value for each in concept.designations if not languages.is_definition(each)]
    names = [*dict.fromkeys(names)]
    if not names or _plain(given) in map(_plain, names):
        return None
    shown = ", ".join(repr(name) for name in names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    return f"{given!r} is not a display of {concept.code!r}, but {shown}"


def _plain(text: str) -> str:
    return " ".join(folded(text).split())
