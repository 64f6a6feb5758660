"""encode(), decode(), escape(), unescape().

https://hl7.org/fhirpath/#additional-string-functions
"""

import base64
import binascii
import html
import json
from collections.abc import Callable
from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import STRING, Compiled, from_one
from fhir_server.fhirpath.scope import Scope

_ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "hex": binascii.hexlify,
    "base64": base64.b64encode,
    "urlbase64": base64.urlsafe_b64encode,
}
_DECODE: dict[str, Callable[[str], bytes]] = {
    "hex": bytes.fromhex,
    "base64": lambda text: base64.b64decode(text, validate=True),
    "urlbase64": lambda text: base64.b64decode(text, b"-_", validate=True),
}
_ESCAPE: dict[str, Callable[[str], str]] = {
    "html": lambda text: html.escape(text).replace("&#x27;", "&#39;"),
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
}
_UNESCAPE: dict[str, Callable[[str], str]] = {
    "html": html.unescape,
    "json": lambda text: str(json.loads(f'"{text}"')),
}


def _change(by_format: dict[str, Callable[[str], str]]) -> Function:
    """The string in another form; empty for a format that there is not and for what cannot be changed."""

    def compile_(call: Call) -> Compiled:
        focus, format_, at = call.focus_string(), call.string(0), call.at

        def one(this: Any, scope: Scope) -> str | None:
            found, name = focus(this, scope), format_(this, scope)
            change = None if name is None else by_format.get(name)
            if found is None or change is None:
                return None
            scope.build(len(found), at)
            try:
                changed = change(found)
            except ValueError:  # not of this format, or no text
                return None
            scope.build(len(changed), at)
            return changed

        return from_one(one, STRING)

    return Function(compile_, 1, 1)


def _encoded(encode: Callable[[bytes], bytes]) -> Callable[[str], str]:
    return lambda text: encode(text.encode()).decode()


def _decoded(decode: Callable[[str], bytes]) -> Callable[[str], str]:
    return lambda text: decode(text).decode()


FUNCTIONS = {
    "encode": _change({name: _encoded(encode) for name, encode in _ENCODE.items()}),
    "decode": _change({name: _decoded(decode) for name, decode in _DECODE.items()}),
    "escape": _change(_ESCAPE),
    "unescape": _change(_UNESCAPE),
}
