"""The workloads, in the order of benchmarks."""

from collections.abc import Callable

from benchmarks import (
    w1_read,
    w2_crud,
    w3_search,
    w4_transactions,
    w5_import,
    w8_everything,
    w9_read_mix,
    w10_growth,
    w11_validate,
    w12_large,
    w12_terminology,
    w13_storage,
    w15_start,
    w16_referral,
)
from benchmarks.harness import Options, Result

WORKLOADS: dict[str, Callable[[Options], Result]] = {
    "W1": w1_read.run,
    "W2": w2_crud.run,
    "W3": w3_search.run,
    "W4": w4_transactions.run,
    "W5": w5_import.run,
    "W8": w8_everything.run,
    "W9": w9_read_mix.run,
    "W10": w10_growth.run,
    "W11": w11_validate.run,
    "W12": w12_terminology.run,
    "W12L": w12_large.run,
    "W13": w13_storage.run,
    "W15": w15_start.run,
    "W16": w16_referral.run,
}
