# SPDX-License-Identifier: Apache-2.0
"""Malformed requests get the error that S3 gives; nothing is stored, and the server lives on."""
import pytest

import malformed
import raw
import rig

KEPT = b"what must not change"


class World:
    def __init__(self, server):
        s3 = server.s3
        self.host = server.endpoint.partition("//")[2]
        self.bucket, self.other = server.bucket(), server.bucket()
        for b in (self.bucket, self.other):
            s3.put_object(Bucket=b, Key="kept", Body=KEPT, Tagging="a=1")
        self.upload = s3.create_multipart_upload(Bucket=self.bucket, Key="up")["UploadId"]
        s3.upload_part(Bucket=self.bucket, Key="up", UploadId=self.upload, PartNumber=1, Body=b"part")

    def fill(self, text):
        if isinstance(text, bytes):
            return text
        return text.replace("{b}", self.bucket).replace("{o}", self.other).replace("{u}", self.upload)


@pytest.fixture(scope="module")
def world(shared):
    return World(shared)


def state(server, w):
    """All that the table's requests could have changed."""
    s3 = server.s3
    parts = s3.list_parts(Bucket=w.bucket, Key="up", UploadId=w.upload).get("Parts", [])
    cors = rig.error(s3.get_bucket_cors, Bucket=w.bucket)[0]
    return {
        "buckets": [b["Name"] for b in s3.list_buckets()["Buckets"]],
        "objects": [server.objects(b) for b in (w.bucket, w.other)],
        "tags": s3.get_object_tagging(Bucket=w.bucket, Key="kept")["TagSet"],
        "uploads": [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=w.bucket).get("Uploads", [])],
        "parts": [(p["PartNumber"], p["ETag"]) for p in parts], "cors": cors,
        "versioning": s3.get_bucket_versioning(Bucket=w.bucket).get("Status"),
        "notification": {k for k in s3.get_bucket_notification_configuration(Bucket=w.bucket) if k != "ResponseMetadata"},
    }


def ask(wire, data):
    """(code, status); (None, 0) when the connection was closed without an answer."""
    try:
        answer = wire.ask(data)
    except raw.Gone:
        wire.close()
        return None, 0
    return answer.code() or None, answer.status


@pytest.mark.parametrize("group", sorted(malformed.GROUPS))
def test_malformed(server, world, group):
    before, wrong = state(server, world), []
    for name, code, status, make in malformed.GROUPS[group]:
        wire = raw.Wire(server)
        got = ask(wire, make(world))
        wire.close()
        if got != (code, status) or status in (500, 502, 503, 504):
            wrong.append((name, "expected", (code, status), "got", got))
        assert server.alive(), name
    assert not wrong, "\n".join(map(str, wrong))
    assert state(server, world) == before


def test_the_table_is_long_enough():
    assert sum(map(len, malformed.GROUPS.values())) >= 200
    for name, rows in malformed.GROUPS.items():
        assert len({r[0] for r in rows}) == len(rows), name
