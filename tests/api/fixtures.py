# SPDX-License-Identifier: Apache-2.0
"""One server for the whole session, servers of their own for tests that stop or kill one, and clients."""
import pytest

import rig


@pytest.fixture(scope="session")
def shared():
    """The session's server, for fixtures that live as long."""
    s = rig.Server()
    s.start()
    yield s
    s.stop()


@pytest.fixture
def server(shared, request):
    """The session's server; what it said during a test that failed is printed with it."""
    at = shared.log_size()
    yield shared
    if getattr(request.node, "failed_call", False):
        print("--- the server's log during this test ---\n" + shared.log(at)[-20000:])
    assert shared.alive(), "the server has ended:\n" + shared.log(at)[-20000:]


@pytest.fixture
def make_server(request):
    """Makes servers that belong to this test: make_server(setting=value, ...), not started yet."""
    made = []

    def make(**settings):
        made.append(rig.Server(**settings))
        return made[-1]

    yield make
    failed = getattr(request.node, "failed_call", False)
    for s in made:
        if failed:
            print("--- the log of a server of this test ---\n" + s.log()[-20000:])
        s.stop(check=not failed)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when in ("setup", "call") and outcome.get_result().failed:
        item.failed_call = True
