"""Unwraps key blocks by psec: lines of "protection key, block", in hex and as text, on
standard input; lines of "key, header fields, optional blocks" as JSON on standard output."""

import json
import sys

from psec import tr31

for line in sys.stdin:
    protection, block = line.rstrip("\n").split(" ", 1)
    header, key = tr31.unwrap(bytes.fromhex(protection), block)
    fields = [
        header.version_id,
        header.key_usage,
        header.algorithm,
        header.mode_of_use,
        header.version_num,
        header.exportability,
    ]
    print(json.dumps([key.hex(), fields, dict(header.blocks)]))
