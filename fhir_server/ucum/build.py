"""Makes `units.json` from the official `ucum-essence.xml`.

https://ucum.org/ucum, https://github.com/ucum-org/ucum

Run `python -m fhir_server.ucum.build ucum-essence.xml` with a new version of the file, and commit what it
makes. The wheel has the table only, not the XML.
"""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

_NAMESPACE = {"u": "http://unitsofmeasure.org/ucum-essence"}

Table = dict[str, object]


def table(essence: str) -> Table:
    """Prefixes, base units, and units by what they are made of: [number, unit, is metric, kind].

    kind: "" for an ordinary unit, "arbitrary", or the name of a special unit's function
    """
    root = ElementTree.fromstring(essence)
    units: dict[str, list[object]] = {}
    for unit in root.findall("u:unit", _NAMESPACE):
        value = unit.find("u:value", _NAMESPACE)
        assert value is not None
        function = value.find("u:function", _NAMESPACE)
        source, kind = value, "arbitrary" if unit.get("isArbitrary") == "yes" else ""
        if function is not None:
            source, kind = function, function.attrib["name"]
        units[unit.attrib["Code"]] = [
            source.attrib["value"], source.attrib["Unit"], unit.get("isMetric") == "yes", kind
        ]  # fmt: skip
    return {
        "version": root.attrib["version"],
        "prefixes": {
            prefix.attrib["Code"]: value.attrib["value"]
            for prefix in root.findall("u:prefix", _NAMESPACE)
            if (value := prefix.find("u:value", _NAMESPACE)) is not None
        },
        "bases": [unit.attrib["Code"] for unit in root.findall("u:base-unit", _NAMESPACE)],
        "units": units,
    }


def main() -> None:
    essence = Path(sys.argv[1]).read_text(encoding="utf-8")
    text = json.dumps(table(essence), ensure_ascii=False, separators=(",", ":"))
    # one unit a line, so that the difference between two versions can be read
    text = text.replace('],"', '],\n"').replace('{"', '{\n"')
    Path(__file__).with_name("units.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
