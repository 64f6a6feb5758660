"""The narrative: one well-formed `<div>` in the namespace of XHTML.

https://hl7.org/fhir/R4/narrative.html

Which elements and attributes it may have (no active content) is a constraint of Narrative, `txt-1`, and not
looked at here.
"""

import re
from xml.parsers import expat

_DIV = re.compile(r"""<div\s[^<>]*?xmlns=(["'])http://www\.w3\.org/1999/xhtml\1""").match


def is_narrative(text: str) -> bool:
    """A document type cannot stand inside a root element, so no entity can be declared and none grows."""
    text = text.strip()
    if not _DIV(text):
        return False
    try:
        expat.ParserCreate().Parse(text, True)
    except expat.ExpatError:
        return False
    return True
