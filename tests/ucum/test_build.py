from fhir_server.ucum.build import table

ESSENCE = """<?xml version="1.0" encoding="ascii"?>
<root xmlns="http://unitsofmeasure.org/ucum-essence" version="9.9">
  <prefix Code="k" CODE="K"><name>kilo</name><value value="1e3">1000</value></prefix>
  <base-unit Code="m" CODE="M" dim="L"><name>meter</name></base-unit>
  <unit Code="[in_i]" CODE="[IN_I]" isMetric="no"><value Unit="cm" UNIT="CM" value="2.54">2.54</value></unit>
  <unit Code="Cel" CODE="CEL" isMetric="yes" isSpecial="yes">
    <value Unit="cel(1 K)" UNIT="CEL(1 K)"><function name="Cel" value="1" Unit="K"/></value>
  </unit>
  <unit Code="[iU]" CODE="[IU]" isMetric="yes" isArbitrary="yes">
    <value Unit="1" UNIT="1" value="1">1</value>
  </unit>
</root>
"""


def test_what_a_unit_is_made_of() -> None:
    assert table(ESSENCE) == {
        "version": "9.9",
        "prefixes": {"k": "1e3"},
        "bases": ["m"],
        "units": {
            "[in_i]": ["2.54", "cm", False, ""],
            "Cel": ["1", "K", True, "Cel"],
            "[iU]": ["1", "1", True, "arbitrary"],
        },
    }
