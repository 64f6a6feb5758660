"""What is measured: one module a workload, `python -m benchmarks` runs them all.

Shared machines vary, so every rate is per CPU-second of the server's processes, from /proc, with the rate by
the clock and the latencies beside it. The load comes from another process.
"""
