"""The properties of test_input, with inputs that are led by which code they reach; needs atheris.

    pip install atheris
    python -m tests.faults.fuzz test_any_hosts_yaml_gives_a_registry_or_our_own_error -max_total_time=600

Its options are libFuzzer's. No part of `make faults`: it needs a compiled package of its own for each
version of Python, and ends by itself only if told so.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["sidecar", "traefik", "waitroom"]):
    from tests.faults import test_input

if __name__ == "__main__":
    test = getattr(test_input, sys.argv.pop(1))
    atheris.Setup([*sys.argv, "-max_len=4096"], test.hypothesis.fuzz_one_input)
    atheris.Fuzz()
