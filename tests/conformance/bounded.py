# SPDX-License-Identifier: Apache-2.0
"""
pytest plugin: tests of features not claimed are left out, one that takes too long fails, workers have servers of their
own, and each test names its buckets anew, so that one that a server does not let go of fails no other test.
"""
import importlib
import os
import signal

import pytest

if os.path.exists(f"{os.environ.get('S3TEST_CONF')}.{os.environ.get('PYTEST_XDIST_WORKER')}"):
    os.environ["S3TEST_CONF"] += "." + os.environ["PYTEST_XDIST_WORKER"]
SECONDS = int(os.environ.get("CONFORMANCE_SECONDS", "120"))
LEFT_OUT = frozenset(os.environ.get("CONFORMANCE_LEFT_OUT", "").split())


def pytest_collection_modifyitems(config, items):
    out = [i for i in items if i.name in LEFT_OUT]
    config.hook.pytest_deselected(items=out)
    items[:] = [i for i in items if i.name not in LEFT_OUT]


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    suite = importlib.import_module("s3tests.functional")
    if suite.prefix:  # else the first test's fixture chooses it
        suite.prefix = suite.choose_bucket_prefix("conformance-{random}-")
