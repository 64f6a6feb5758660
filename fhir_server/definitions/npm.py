"""Fetch a package from an npm registry, and check it against the hash that the registry gives.

https://docs.npmjs.com/cli/configuring-npm/npmrc, https://www.w3.org/TR/SRI/

Which registry is the business of whoever runs the server: a setting, or what npm itself is told.
"""

import base64
import binascii
import hashlib
import json
import os
import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fhir_server.outcome import DefinitionError

DOWNLOAD_LIMIT_BYTES = 256 << 20
TIMEOUT_S = 60

_SPECIFIER = re.compile(
    r"(?P<name>(?:@[a-z0-9][\w.-]*/)?[a-z0-9][\w.-]*)@(?P<version>[0-9A-Za-z][\w.+-]*)", re.I
)
_ALGORITHMS = ("sha512", "sha384", "sha256", "sha1")  # the strongest first


def parse_specifier(text: str) -> tuple[str, str]:
    """`hl7.fhir.uv.ips@1.1.0` → name and version; raises DefinitionError for anything else."""
    match = _SPECIFIER.fullmatch(text)
    if match is None:
        raise DefinitionError(f"{text!r} is neither a package file or folder nor NAME@VERSION")
    return match["name"], match["version"]


def configured_registry(
    setting: str | None = None, environment: Mapping[str, str] = os.environ, folder: Path | None = None
) -> str:
    """The registry that the setting names, or else npm's own configuration does."""
    lowered = {name.lower(): value for name, value in environment.items()}
    files = [(folder or Path.cwd()) / ".npmrc"]
    if home := environment.get("HOME") or environment.get("USERPROFILE"):
        files.append(Path(home) / ".npmrc")
    candidates = [setting, lowered.get("npm_config_registry"), *map(_of_npmrc, files)]
    found = next((registry for registry in candidates if registry), None)
    if found is None:
        raise DefinitionError(
            "no npm registry is configured: give its URL by the setting npm_registry, "
            "by NPM_CONFIG_REGISTRY or by `registry=` in .npmrc"
        )
    if urllib.parse.urlsplit(found).scheme not in ("http", "https"):
        raise DefinitionError(f"the npm registry {found!r} is not an http or https URL")
    return found.rstrip("/")


def _of_npmrc(file: Path) -> str | None:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() == "registry":
            return value.strip().strip("\"'")
    return None


def fetch(name: str, version: str, folder: Path, registry: str) -> Path:
    """Download the package into `folder`; returns its file. One that is there already is not loaded again.

    Raises DefinitionError when the registry does not have it, does not answer, or sends other bytes than
    those whose hash it gives.
    """
    file = folder / f"{name.replace('/', '+')}-{version}.tgz"
    if file.exists():
        return file
    dist = _dist(name, version, registry)
    body = _get(_tarball(dist, registry), f"{name}@{version}")
    _check(body, dist, f"{name}@{version}")
    folder.mkdir(parents=True, exist_ok=True)
    # a download that is cut off never looks like a package
    partial = file.with_suffix(f".{os.getpid()}.part")
    partial.write_bytes(body)
    partial.replace(file)
    return file


def _dist(name: str, version: str, registry: str) -> dict[str, Any]:
    body = _get(f"{registry}/{urllib.parse.quote(name, safe='@')}", name)
    try:
        versions = json.loads(body)["versions"]
        if version not in versions:
            raise DefinitionError(f"the registry has {name} in {', '.join(versions)}, not in {version}")
        dist = versions[version]["dist"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DefinitionError(f"the registry's answer for {name} is not one of npm's") from None
    if not isinstance(dist, dict):
        raise DefinitionError(f"the registry's answer for {name} is not one of npm's")
    return dist


def _tarball(dist: dict[str, Any], registry: str) -> str:
    address = urllib.parse.urljoin(f"{registry}/", str(dist.get("tarball", "")))
    if urllib.parse.urlsplit(address).scheme not in ("http", "https"):
        raise DefinitionError(f"the registry gives {address!r} as the package's address")
    return address


def _get(address: str, what: str) -> bytes:
    import urllib.request  # a hundredth of a second that only a download has to pay

    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
            body: bytes = answer.read(DOWNLOAD_LIMIT_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise DefinitionError(f"the registry answers {error.code} for {what}") from None
    except OSError as error:
        raise DefinitionError(f"the registry cannot be reached for {what}: {error}") from None
    if len(body) > DOWNLOAD_LIMIT_BYTES:
        raise DefinitionError(f"{what} is larger than {DOWNLOAD_LIMIT_BYTES} bytes")
    return body


def _check(body: bytes, dist: dict[str, Any], what: str) -> None:
    """Compare with the strongest hash that the registry gives."""
    hashes = dict(_hashes(dist))
    for algorithm in _ALGORITHMS:
        if algorithm in hashes:
            if hashlib.new(algorithm, body).digest() not in hashes[algorithm]:
                raise DefinitionError(
                    f"{what}: the bytes have not the {algorithm} hash that the registry gives"
                )
            return
    raise DefinitionError(f"{what}: the registry gives no hash to check the bytes by")


def _hashes(dist: dict[str, Any]) -> dict[str, set[bytes]]:
    found: dict[str, set[bytes]] = {}
    try:
        for part in str(dist.get("integrity", "")).split():
            algorithm, _, digest = part.partition("?")[0].partition("-")
            found.setdefault(algorithm, set()).add(base64.b64decode(digest, validate=True))
        if not found and "shasum" in dist:
            found["sha1"] = {bytes.fromhex(str(dist["shasum"]))}
    except (binascii.Error, ValueError):
        raise DefinitionError("the registry gives a hash that cannot be read") from None
    return found
