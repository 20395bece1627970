"""Prints random vectors of every algorithm in cases/: generate.py SEED OF_EACH."""

import importlib
import json
import random
import sys
from pathlib import Path

here = Path(__file__).parent
sys.path.insert(0, str(here))

seed, of_each = sys.argv[1], int(sys.argv[2])
vectors = []
for path in sorted((here / "cases").glob("*.py")):
    for name, case in importlib.import_module(f"cases.{path.stem}").ALGORITHMS.items():
        # A generator of its own, so that a new algorithm does not change the others' cases.
        generator = random.Random(f"{seed} {name}")
        vectors += [{"alg": name, **case(generator)} for _ in range(of_each)]
json.dump({"seed": seed, "vectors": vectors}, sys.stdout)
