"""`python -m tests.search.reference --queries 20000`: many questions to both searches, and what differs."""

import asyncio
import tempfile
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from random import Random

from tqdm import tqdm

from tests.search.reference.compare import differences, smallest
from tests.search.reference.draw import Drawing
from tests.search.reference.worlds import SOURCES, partly, searched


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.search.reference")
    parser.add_argument("--queries", type=int, default=20_000, help="questions, shared by the worlds")
    parser.add_argument("--seed", type=int, default=1, help="of the first question; each has its own")
    parser.add_argument("--worlds", nargs="*", default=list(SOURCES), choices=list(SOURCES))
    parser.add_argument("--hidden", action="store_true", help="by clients that may not see everything")
    parser.add_argument("--show", type=int, default=20, help="differences to print")
    given = parser.parse_args()
    answers: Counter[str] = Counter()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        for name in given.worlds:
            with searched(name, Path(folder), runner) as both:
                drawing = Drawing(both.world)
                for seed in tqdm(range(given.seed, given.seed + given.queries // len(given.worlds)), name):
                    question = drawing.question(Random(f"{name} {seed}"))
                    asking = partly(both, Random(seed)) if given.hidden else both
                    try:
                        found, kind = differences(asking, question)
                    except Exception as error:
                        error.add_note(f"{name} {seed}: {question}")
                        raise
                    answers[kind] += 1
                    if found:
                        wrong += 1
                        if wrong <= given.show:
                            question = smallest(asking, question)
                            found, _ = differences(asking, question)
                            tqdm.write(f"{name} {seed}: {question}\n    " + "\n    ".join(found)[:600])
    tqdm.write(f"{sum(answers.values())} questions, {wrong} answered differently; {dict(answers)}")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
