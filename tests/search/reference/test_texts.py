"""Chinese names and full text: what has to be found, and what must not, by the server and the reference.

Readings may be known to the one and not to the other; these are not doubtful.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.search.reference.compare import differences
from tests.search.reference.search import Question, search
from tests.search.reference.worlds import Searched, held

NAMES: dict[str, dict[str, Any]] = {
    "zhangsan": {"family": "张", "given": ["三"]},
    "shanming": {"family": "单", "given": ["明"]},
    "zeng": {"text": "曾国藩"},
    "yuchi": {"family": "尉迟", "given": ["恭"]},
    "lvbu": {"family": "吕", "given": ["布"]},
    "ayiguli": {"text": "阿依古丽·买买提"},
    "smith": {"family": "Smith", "given": ["Catherine"]},
}
NARRATIVES = {
    "bones": "<p>Bone metas<b>tases</b></p><p>chest</p><p>pain</p>",
    "pressure": "2级高血压，糖尿病",
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": id_, "name": [name]} for id_, name in NAMES.items()
    ]
    for id_, text in NARRATIVES.items():
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'
        resources.append({"resourceType": "Basic", "id": id_, "text": {"status": "generated", "div": div}})
    folder = tmp_path_factory.mktemp("texts")
    with asyncio.Runner() as runner, held("texts", resources, folder, runner) as searched:
        yield searched


def found(both: Searched, path: str, name: str, value: str) -> set[str]:
    """ids of what the reference finds without doubt; the server finds the same."""
    question = Question(path, ((name, value),))
    assert differences(both, question)[0] == []
    certain = search(both.world, question).hits
    assert certain == search(both.world, question, generous=True).hits
    return {id_ for _, id_ in certain}


@pytest.mark.parametrize(
    ("search_name", "value", "ids"),
    [
        ("name", "zhangsan", "zhangsan"), ("name", "Zhāng Sān", "zhangsan"),
        ("name", "zhang1san1", "zhangsan"),
        ("name", "zs", "zhangsan"), ("name", "san", "zhangsan"), ("name", "angsan", ""),
        ("name:contains", "angsan", "zhangsan"), ("name:exact", "zhangsan", ""),
        ("family", "zhang", "zhangsan"),
        ("family", "san", ""), ("given", "san", "zhangsan"), ("name", "shanming", "shanming"),
        ("name", "danming", "shanming"), ("name", "zengguofan", "zeng"), ("name", "yuchigong", "yuchi"),
        ("name", "lübu", "lvbu"), ("name", "lubu", "lvbu"), ("name", "lyubu", "lvbu"),
        ("name", "张三", "zhangsan"),
        ("name", "阿依古丽买买提", "ayiguli"), ("name", "阿依古丽 买买提", "ayiguli"),
        ("name", "买买提", "ayiguli"),
        ("name", "阿依古丽•买", "ayiguli"), ("name", "maimaiti", "ayiguli"), ("name", "依古丽", ""),
        ("phonetic", "章三", "zhangsan"), ("phonetic", "Smyth", "smith"),
        ("phonetic", "Kathryn Smyth", "smith"),
        ("phonetic", "Smyth Peter", ""), ("name", "Smyth", ""),
    ],
)  # fmt: skip
def test_names(both: Searched, search_name: str, value: str, ids: str) -> None:
    assert found(both, "Patient", search_name, value) == set(ids.split())


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("bone metastases", "bones"), ("METAST*", "bones"), ("metas", ""), ('"chest pain"', "bones"),
        ("bone -chest", ""), ("liver or bone", "bones"), ("高血压", "pressure"), ("压", "pressure"),
        ("血压糖", ""),
        ("2级高", "pressure"), ("级高", "pressure"), ("not bone", "pressure"),
        ("高血 or chest-pain", "bones pressure"),
        ("(bone or 糖尿病) and not (压)", "bones"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("parameter", ["_text", "_content"])
def test_words(both: Searched, parameter: str, query: str, ids: str) -> None:
    assert found(both, "Basic", parameter, query) == set(ids.split())
