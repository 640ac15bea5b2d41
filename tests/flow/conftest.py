# SPDX-License-Identifier: Apache-2.0
"""Fixtures of this suite: those of tests/api."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))

from fixtures import make_server, pytest_runtest_makereport, server, shared  # noqa: E402,F401  (found by the line above)
