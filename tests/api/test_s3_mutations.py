# SPDX-License-Identifier: Apache-2.0
"""One changed byte anywhere in a signed request: none of them is accepted, and nothing changes."""
import os

import mutants
import raw
import rig

# MULGIL_MUTATIONS changes how many; sanitizers get fewer.
NUMBER = int(os.environ.get("MULGIL_MUTATIONS", "3000" if rig.SANITIZED else "20000"))


def outcome(wire, data, no_body):
    """The status, or 0 if the connection was closed instead."""
    try:
        return wire.ask(data, no_body).status
    except (raw.Gone, ValueError):
        wire.close()
        return 0


def test_no_mutant_is_accepted(server):
    rnd, bucket = mutants.seeded(), server.bucket()
    server.s3.put_object(Bucket=bucket, Key="kept", Body=b"what must not change")
    kinds = mutants.all_kinds(server, bucket, rnd)
    assert kinds[1].kind == "header GET"
    with raw.Wire(server) as wire:
        for r in kinds:
            answer = wire.ask(r.data, r.no_body)
            assert answer.status in (200, 204, 206), (r.kind, answer.status, answer.body, r.data)
    before = server.objects(bucket)
    assert len(before) > 20
    keep, tried, seen, accepted = raw.Wire(server), 0, {}, []
    while tried < NUMBER:
        r = rnd.choice(kinds)
        made = r.mutant(rnd)
        if made is None:
            continue
        data, pure, what = made
        tried += 1
        if tried % 100 == 0:  # the kept connection is still in step: an answer is the answer to what was sent last
            assert keep.ask(kinds[1].data).body == b"what"
        wire = keep if pure else raw.Wire(server)
        status = outcome(wire, data, r.no_body)
        seen[status] = seen.get(status, 0) + 1
        if not pure:
            wire.close()
        if status and not 400 <= status < 500 and status not in (501, 505):
            accepted.append((what, status, data[:1200]))
    keep.close()
    print(f"{tried} mutants: {dict(sorted(seen.items()))}")
    assert not accepted, f"{len(accepted)} accepted; the first: {accepted[:5]}"
    assert server.objects(bucket) == before
