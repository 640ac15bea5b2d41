# SPDX-License-Identifier: Apache-2.0
"""pytest plugin: a test of the suite that takes too long fails, and the run goes on; workers have servers of their own."""
import os
import signal

import pytest

if os.path.exists(f"{os.environ.get('S3TEST_CONF')}.{os.environ.get('PYTEST_XDIST_WORKER')}"):
    os.environ["S3TEST_CONF"] += "." + os.environ["PYTEST_XDIST_WORKER"]
SECONDS = int(os.environ.get("CONFORMANCE_SECONDS", "120"))


class TooLong(BaseException):
    pass


def _ring(*_):
    raise TooLong(f"took longer than {SECONDS} s")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):  # pylint: disable=unused-argument
    signal.signal(signal.SIGALRM, _ring)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
