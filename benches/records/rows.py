#!/usr/bin/env python3
"""Criterion's samples as rows, for a record of a benchmark.

    cargo bench --bench train_step -- --noplot 'train_step/(S|E)/avx'
    python3 benches/records/rows.py target/criterion >benches/records/DATE-train_step.csv

A row is a sample: how many times the benchmark ran in it, and how long that took altogether.
"""
import json
import sys
from pathlib import Path

print("benchmark,sample,iterations,nanoseconds")
for path in sorted(Path(sys.argv[1]).glob("**/new/sample.json")):
    name = path.parents[1].relative_to(sys.argv[1]).as_posix()
    found = json.loads(path.read_text())
    for number, (count, time) in enumerate(zip(found["iters"], found["times"]), 1):
        print(f"{name},{number},{count:.0f},{time:.0f}")
