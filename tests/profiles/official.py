"""What the official Java validator says of the package's examples, kept as data.

    FHIR_JAVA_VALIDATOR=/path/to/program python -m tests.profiles.official

asks it again. The program takes `validate --definitions FOLDER FILE…` and prints for each file a line
`{"file": …, "issues": [{"severity": …, "messageId": …, "expression": …}]}`.
"""

import json
import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.profiles.package import FOLDER

VARIABLE = "FHIR_JAVA_VALIDATOR"
ANSWERS = Path(__file__).parents[1] / "cases" / "alliance" / "official.json"
DIFFERENCES = ANSWERS.with_name("differences.json")
_ERRORS = ("fatal", "error")
# told beside the error itself, of a code that the server for terminology was not asked about
_BESIDE = "Terminology_PassThrough_TX_Message"

Answer = list[list[str]]
"""`[[severity, message id, expression]]` of errors, and of warnings by the package's invariants."""


def asked() -> list[Path]:
    """The examples, and the definitions that are no StructureDefinitions.

    To validate those the engine looks for the package of R4 in a cache of its own, which it fills from a
    network; that it can use them shows in the examples.
    """
    examples = [
        path for kind in ("examples", "examples-bad") for path in sorted((FOLDER / kind).glob("*-*.json"))
    ]
    rest = [path for path in sorted(FOLDER.glob("*-*.json")) if not path.name.startswith("Structure")]
    return examples + rest


def name_of(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def fingerprint(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:16]


def ask(program: str) -> dict[str, Answer]:
    command = [program, "validate", "--definitions", str(FOLDER), *map(str, asked())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    found = {}
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        found[name_of(Path(answer["file"]))] = _told(answer["issues"])
    return found


def _told(issues: list[dict[str, Any]]) -> Answer:
    found = []
    for issue in issues:
        message, severity = issue.get("messageId", ""), issue["severity"]
        if (severity in _ERRORS and message != _BESIDE) or (severity == "warning" and _is_ours(message)):
            found.append([severity, message, plain(issue.get("expression", ""))])
    return sorted(found)


def _is_ours(message: str) -> bool:
    canonical = json.loads((FOLDER / "package.json").read_bytes())["canonical"]
    return message.startswith(canonical) and "#" in message


def plain(expression: str) -> str:
    return re.sub(r"\.ofType\(\w+\)", "", expression)


def kept() -> dict[str, Any]:
    """File -> `{"of": fingerprint, "issues": Answer}`."""
    found: dict[str, Any] = json.loads(ANSWERS.read_bytes())
    return found


def keep(answers: dict[str, Answer]) -> None:
    lines = [
        f"  {json.dumps(name)}: {json.dumps({'of': fingerprint(FOLDER / name), 'issues': answers[name]})}"
        for name in sorted(answers)
    ]
    ANSWERS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    keep(ask(os.environ[VARIABLE]))
