"""A page to read for each profile of a package, in Markdown.

What stands in `short` and in a constraint's text as `中文 / English` is shown in both languages.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_server.definitions.packages import Package
from fhir_server.definitions.snapshot import Snapshots
from fhir_server.resource import Resource, decode

Element = dict[str, Any]

BAD = "examples-bad"
EXPECTED = "expected.json"
"""In the folder of bad examples: file name -> `{"message": …, "expression": …}`, the rule that it breaks."""
_TITLES = {"examples": "## 示例 / Examples", BAD: "## 错误示例 / Examples that break a rule"}
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM_TYPE = "http://hl7.org/fhirpath/"


def write_pages(package: Package, core: Mapping[str, Resource], folder: Path) -> None:
    """One file for each profile, README.md as their index, and no other page in `folder`."""
    found = pages(package, core, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.md"):
        if path.name not in found:
            path.unlink()
    for name, text in found.items():
        (folder / name).write_text(text, encoding="utf-8")


def pages(package: Package, core: Mapping[str, Resource], folder: Path) -> dict[str, str]:
    """File name -> text. core: the StructureDefinitions that the package builds on, by url.

    folder: where the pages will stand, for their links to the package.
    """
    resources = [resource for _, resource in package.canonicals()]
    structures = [each for each in resources if each["resourceType"] == "StructureDefinition"]
    profiles = [each for each in structures if each["type"] != "Extension"]
    extensions = [each for each in structures if each["type"] == "Extension"]
    root = Path(os.path.relpath(package.path, folder)).as_posix()
    examples = _examples(package.path)
    known = {**core, **{each["url"]: each for each in structures}}
    snapshots = Snapshots(lambda canonical: known.get(canonical.partition("|")[0]))
    names = {each["url"]: each["id"] for each in resources if "url" in each}
    found = {}
    for each in profiles:
        whole = {element["id"]: element for element in snapshots.elements(each["url"])}
        lines = [*_head(each, names, root), *_elements(each, whole, names, root)]
        lines += _invariants(each["differential"]["element"])
        lines += _example_lines(examples.get(each["url"], []), root)
        found[f"{each['id']}.md"] = "\n".join(lines)
    return found | {"README.md": _index(package, profiles, extensions, resources, root)}


@dataclass(frozen=True, slots=True)
class _Example:
    folder: str
    file: str
    breaks: str | None  # the rule; None: it is a good one


def _examples(folder: Path) -> dict[str, list[_Example]]:
    """By canonical of the profile that they claim."""
    expected = folder / BAD / EXPECTED
    rules = decode(expected.read_bytes()) if expected.exists() else {}
    found: dict[str, list[_Example]] = {}
    for kind in _TITLES:
        for path in sorted((folder / kind).glob("*.json")):
            example = _Example(kind, path.name, rules.get(path.name, {}).get("message"))
            resource = decode(path.read_bytes())
            for canonical in resource.get("meta", {}).get("profile", ()):
                found.setdefault(canonical, []).append(example)
    return found


def _head(profile: Resource, names: Mapping[str, str], root: str) -> Iterator[str]:
    base = _linked(profile["baseDefinition"], names, root)
    definition = f"[definition]({root}/StructureDefinition-{profile['id']}.json)"
    yield from (f"# {profile['title']}", "", profile["description"], "")
    yield from (f"`{profile['url']}`, on {base}; {definition}", "")


def _elements(
    profile: Resource, whole: Mapping[str, Element], names: Mapping[str, str], root: str
) -> Iterator[str]:
    """A table of what the profile says; whole: its snapshot by id."""
    yield from (
        "## 元素 / Elements",
        "",
        "What is not listed is as in the base. **S**: must be supported.",
        "",
    )
    yield from ("| element | | type, value | binding | 说明 / meaning |", "|---|---|---|---|---|")
    for element in profile["differential"]["element"]:
        if _says_something(element):
            yield _row(element, whole[element["id"]], names, root)
    yield ""


def _says_something(element: Element) -> bool:
    return "." in element["id"] and not element.keys() <= {"id", "path", "slicing"}


def _row(element: Element, whole: Element, names: Mapping[str, str], root: str) -> str:
    path = element["id"].split(".", 1)[1]
    marks = f"{whole['min']}..{whole['max']}{' **S**' if element.get('mustSupport') else ''}"
    binding = element.get("binding")
    bound = f"{_linked(binding['valueSet'], names, root)} ({binding['strength']})" if binding else ""
    cells = (f"`{path}`", marks, _kind(element, whole, names, root), bound, element.get("short", ""))
    return f"| {' | '.join(cells)} |"


def _kind(element: Element, whole: Element, names: Mapping[str, str], root: str) -> str:
    """Types, those of the base without what they lead to, and the value that is asked for."""
    given = element.get("type") or [{"code": each["code"]} for each in whole.get("type", ())]
    parts = [_type(each, names, root) for each in given if not each["code"].startswith(_SYSTEM_TYPE)]
    for name, value in element.items():
        if name.startswith(("fixed", "pattern")):
            parts.append(f"{'=' if name.startswith('fixed') else '⊇'} {_shown(value)}")
    return ", ".join(parts)


def _type(type_: Element, names: Mapping[str, str], root: str) -> str:
    if "profile" in type_:
        return ", ".join(_linked(each, names, root) for each in type_["profile"])
    targets = ", ".join(_linked(each, names, root) for each in type_.get("targetProfile", ()))
    return f"{type_['code']}({targets})" if targets else str(type_["code"])


def _shown(value: Any) -> str:
    if not isinstance(value, dict):
        return f"`{value}`"
    codings = value.get("coding", [value])
    return ", ".join(
        f"`{'#'.join(filter(None, (each.get('system'), each.get('code'))))}`" for each in codings
    )


def _linked(canonical: str, names: Mapping[str, str], root: str) -> str:
    if canonical.startswith(_CORE):
        return canonical.removeprefix(_CORE)
    id_ = names.get(canonical)
    if id_ is None:
        return f"`{canonical}`"
    resource_type = canonical.rsplit("/", 2)[-2]
    return f"[{id_}]({root}/{resource_type}-{id_}.json)"


def _invariants(elements: Sequence[Element]) -> Iterator[str]:
    found = [
        (element["id"], constraint) for element in elements for constraint in element.get("constraint", ())
    ]
    if not found:
        return
    yield from ("## 约束 / Invariants", "", "| key | element | | 说明 / meaning |", "|---|---|---|---|")
    for id_, constraint in found:
        yield f"| `{constraint['key']}` | `{id_}` | {constraint['severity']} | {constraint['human']} |"
    yield ""


def _example_lines(examples: Sequence[_Example], root: str) -> Iterator[str]:
    for kind, title in _TITLES.items():
        found = [example for example in examples if example.folder == kind]
        if found:
            yield from (title, "")
            for each in found:
                link = f"[{each.file.removesuffix('.json')}]({root}/{kind}/{each.file})"
                yield f"- {link}" if each.breaks is None else f"- {link}: `{each.breaks}`"
            yield ""


def _index(
    package: Package,
    profiles: Sequence[Resource],
    extensions: Sequence[Resource],
    resources: Sequence[Resource],
    root: str,
) -> str:
    lines = [
        f"# {package.manifest.get('title', package.name)}",
        "",
        f"Package `{package.name}` {package.version}, made from [the package]({root}); see "
        "[how to use it](../profiles.md).",
        "",
        "## 规范 / Profiles",
        "",
        "| profile | of | |",
        "|---|---|---|",
        *(f"| [{each['id']}]({each['id']}.md) | {each['type']} | {each['title']} |" for each in profiles),
        "",
        "## 扩展 / Extensions",
        "",
        "| extension | on | |",
        "|---|---|---|",
        *(
            f"| [{each['id']}]({root}/StructureDefinition-{each['id']}.json) "
            f"| {', '.join(context['expression'] for context in each['context'])} | {each['title']} |"
            for each in extensions
        ),
    ]
    for resource_type, title in _KINDS.items():
        lines += ["", f"## {title}", "", "| | |", "|---|---|"]
        for each in resources:
            if each["resourceType"] == resource_type:
                told = each.get("title") or each.get("description") or each["name"]
                lines.append(f"| [{each['id']}]({root}/{resource_type}-{each['id']}.json) | {told} |")
    return "\n".join([*lines, ""])


_KINDS = {
    "CodeSystem": "代码系统 / Code systems",
    "ValueSet": "值集 / Value sets",
    "NamingSystem": "标识系统 / Systems of identifiers",
    "SearchParameter": "检索参数 / Search parameters",
    "OperationDefinition": "操作 / Operations",
    "CapabilityStatement": "角色 / Actors",
    "Measure": "指标 / Measures",
}
