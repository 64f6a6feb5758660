"""Each workload runs; how fast is not asked here."""

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.corpus import CRUD_SIZES, bundles, crud_templates, many_patients, size_bytes
from benchmarks.harness import Options, Result
from benchmarks.profile import top
from benchmarks.workloads import WORKLOADS


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # stores that are kept from run to run
    result = WORKLOADS[name](Options(seconds=0.5, rounds=1))
    assert result.workload == name
    assert result.figure > 0
    assert result.rounds


def test_sizes_of_the_crud_templates() -> None:
    assert list(crud_templates()) == list(CRUD_SIZES)
    for kind, template in crud_templates().items():
        assert abs(size_bytes(template) - CRUD_SIZES[kind]) < 0.1 * CRUD_SIZES[kind], kind


def test_copies_have_ids_of_their_own() -> None:
    texts = [text for text, _ in bundles(2)]
    assert len(texts) == 80
    assert texts[0] != texts[40]
    assert len(texts[0]) == len(texts[40])
    ids = [patient["id"] for patient in many_patients(100)]
    assert len(set(ids)) == 100
    assert ids == [patient["id"] for patient in many_patients(100)]


def test_a_report_tells_what_holds(tmp_path: Path) -> None:
    results = [
        Result("W1", "read", 7000.0, "reads per CPU-s", 6000, rounds=[7000.0]),
        Result("W15", "start", 1.5, "seconds", 1.0, lower_is_better=True, rounds=[1.5]),
    ]
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "w1_read.txt").write_text("self\n  50.0 %  read\n")
    written = report.write(tmp_path, {"commit": "abc"}, results, profiles)
    page = written[1].read_text()
    assert "| W1 | read | 7,000.0 reads per CPU-s | ≥ 6,000 | holds | 7,000.0 |" in page
    assert "| W15 | start | 1.5 seconds | ≤ 1.0 | **missed** | 1.5 |" in page
    assert "- commit: abc" in page
    assert "### w1_read\n\n```\nself\n  50.0 %  read\n```" in page


def test_the_top_of_a_profile() -> None:
    lines = top("process 1;a (x.py:1);b (x.py:2) 3\nprocess 1;a (x.py:1);b (x.py:7) 1\n").splitlines()
    assert lines[1].split() == ["100.0", "%", "b", "(x.py)"]
    within = lines[lines.index("with what it calls") + 1 :]
    assert sorted(line.split("%")[1].strip() for line in within) == ["a (x.py)", "b (x.py)"]
