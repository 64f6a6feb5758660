"""https://ucum.org/ucum"""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server import ucum

SAME = """
5.4 mg = 0.0054 g
1 kg = 1000 g
7 mg/dL = 0.07 g/L
1 ug/m3 = 1 ng/L
120 mm[Hg] = 15.99864 kPa
10 cm[H2O] = 980.665 Pa
4.5 10*3/uL = 4.5 10*9/L
4.5 10^3/uL = 4500 /mm3
60 {beats}/min = 1 /s
60 {beats}/min = 1 Hz
5.5 mmol/L = 5500 umol/L
140 meq/L = 140 mmol/L
37 Cel = 310.15 K
98.6 [degF] = 37 Cel
-40 [degF] = -40 Cel
80 [degRe] = 100 Cel
7 mCel = 273.157 K
55 % = 0.55 1
55 % = 550 [ppth]
3 {score} = 3 1
1 [lb_av] = 0.45359237 kg
6 [ft_i] = 1.8288 m
1 h = 3600 s
1 wk = 168 h
1 a = 365.25 d
1 mo = 30.4375 d
240 ug/(24.h) = 10 ug/h
1 L = 1 dm3
1 l = 1 L
3 mL/min/{1.73_m2} = 3 cm3/min
2 k[iU]/mL = 2000 [IU]/mL
10 dB = 1 B
1 kat = 60000000 U
1 N = 1 kg.m/s2
1 J = 1 kg.m2.s-2
1 J = 1 N.m
180 deg = 3.1415926535897932384626433832795028841971693993751058209749445923 rad
1 /m = 1 m-1
1 KiBy = 8192 bit
25 kg/m2 = 25000 g/m2
"""


@pytest.mark.parametrize("row", SAME.strip().splitlines())
def test_quantities_that_are_the_same(row: str) -> None:
    one, other = ((Decimal(value), unit) for value, unit in (side.split() for side in row.split(" = ")))
    assert ucum.canonical(*one) is not None
    assert ucum.canonical(*one) == ucum.canonical(*other)
    # 34 digits of a value that has no end are not quite the way back
    assert ucum.convert(one[0], one[1], other[1]) == pytest.approx(other[0], rel=Decimal("1e-30"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mg", "mL"),
        ("mg", "mg/dL"),
        ("[iU]", "[arb'U]"),
        ("[iU]", "1"),
        ("[pH]", "mol/L"),
        ("B[SPL]", "Pa"),
        ("B", "1"),
        ("m", "M"),
        ("Cel", "[pH]"),
        ("[hp'_X]", "[hp'_C]"),
        ("mg", "what"),
        ("what", "what"),
    ],
)
def test_units_that_do_not_compare(one: str, other: str) -> None:
    assert not ucum.comparable(one, other)
    assert ucum.convert(Decimal(1), one, other) is None


@pytest.mark.parametrize(
    "code",
    [
        "",
        " ",
        "mg ",
        "mg dL",
        "milligram",
        "mmHg",
        "mg/",
        "mg//dL",
        "/",
        ".",
        "(mg",
        "mg)",
        "()",
        "m0",
        "0",
        "m100",
        "Cel.m",
        "/Cel",
        "Cel2",
        "k[degF]",
        "d[lb_av]",
        "mmg",
        "{a b}",
        "{",
        "mg{",
        "mg{a}{b}",
        "µg",
        "１",
        "[",
        "[iU",
        "m" * 251,
        "(" * 250,
        "10*99" + ".10*99" * 40,
        "1" * 31,
        "+5",
        "-",
        "m+",
        "\x00",
        "10*3.",
    ],
)
def test_what_is_no_code(code: str) -> None:
    assert ucum.unit(code) is None
    assert ucum.canonical(Decimal(1), code) is None


@pytest.mark.parametrize(
    ("code", "canonical"),
    [
        ("mg", "g"),
        ("kg.m/s2", "g.m.s-2"),
        ("N.m", "g.m2.s-2"),
        ("{count}", "1"),
        ("mg/g", "1"),
        ("/m", "m-1"),
        ("m/s/s", "m.s-2"),
        ("m/(s/s)", "m"),
        ("m/s.s", "m"),
        ("[IU]/L", "[iU].m-3"),
        ("dB[SPL]", "B[SPL]"),
        ("U/(10.g){feces}", "g-1.s-1"),
        ("cd", "cd"),
        ("dar", "m2"),
    ],
)
def test_canonical_units(code: str, canonical: str) -> None:
    found = ucum.unit(code)
    assert found is not None and found.canonical == canonical


def test_values_beyond_all_measure_have_no_canonical_form() -> None:
    for text in ("1e1000000", "-1e1000000", "1e-1000000", "1e301", "NaN", "Infinity"):
        assert ucum.canonical(Decimal(text), "mg") is None
        assert ucum.convert(Decimal(text), "mg", "g") is None
    assert ucum.canonical(Decimal(0), "mg") == (0, "g")


def test_every_unit_of_the_table_is_a_code() -> None:
    from fhir_server.ucum.table import definitions, prefixes

    units = definitions()
    assert len(units) > 300 and len(prefixes()) == 24
    assert [code for code in units if ucum.unit(code) is None] == []
    metric = [f"{prefix}{code}" for prefix in prefixes() for code, unit in units.items() if unit.metric]
    assert [code for code in metric if ucum.unit(code) is None] == []


CODES = st.sampled_from(
    ["m", "g", "s", "mg", "kg", "dL", "L", "mmol", "min", "h", "Cel", "K", "%", "[iU]", "mm[Hg]", "10*3", "U"]
)
TERMS = st.recursive(
    CODES,
    lambda inner: (
        st.builds("{}{}{}".format, inner, st.sampled_from("./"), inner)
        | st.builds("({})".format, inner)
        | st.builds("/{}".format, CODES)
    ),
    max_leaves=5,
)
VALUES = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-1000000, max_value=1000000)


@given(VALUES, TERMS, TERMS)
def test_there_and_back_again(value: Decimal, one: str, other: str) -> None:
    there = ucum.convert(value, one, other)
    assert (there is not None) == ucum.comparable(one, other)
    if there is not None:
        back = ucum.convert(there, other, one)
        assert back is not None and abs(back - value) < Decimal("1e-12")


@given(VALUES, TERMS)
def test_the_canonical_unit_is_a_code_and_its_own_canonical_unit(value: Decimal, code: str) -> None:
    found = ucum.unit(code)
    if found is not None:
        again = ucum.unit(found.canonical)
        assert again == ucum.Unit(found.canonical, Fraction(1))
        assert ucum.canonical(value, found.canonical) == (value, found.canonical)


@given(st.text(max_size=30) | st.text("mgsdL[]iU{}()./*^+-0123", max_size=30))
def test_any_text_is_a_code_or_not(text: str) -> None:
    found = ucum.unit(text)
    assert found is None or found.scale > 0
