# SPDX-License-Identifier: Apache-2.0
"""Fixtures of this suite."""
from fixtures import make_server, pytest_runtest_makereport, server, shared  # noqa: F401
