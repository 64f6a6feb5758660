"""The narrative: one well-formed `<div>` in the namespace of XHTML.

https://hl7.org/fhir/R4/narrative.html

Which elements and attributes it may have (no active content) is a constraint of Narrative, `txt-1`, and not
looked at here.
"""

import re
from xml.parsers import expat

_DIV = re.compile(r"""<div\s[^<>]*?xmlns=(["'])http://www\.w3\.org/1999/xhtml\1""").match


def flaw(text: str) -> str | None:
    """What is wrong with the text of a narrative; None: nothing.

    A document type cannot stand inside a root element, so no entity can be declared and none grows.
    """
    text = text.strip()
    if not _DIV(text):
        return f"starts with {text[:SHOWN]!r}"
    try:
        expat.ParserCreate().Parse(text, True)
    except expat.ExpatError as error:
        return f"{expat.ErrorString(error.code)} at line {error.lineno}, column {error.offset + 1}"
    return None


SHOWN = 60  # characters
