# SPDX-License-Identifier: Apache-2.0
"""What a bucket's rules do to its objects over time: object lock, tags, lifecycle; through boto3."""
import datetime

import pytest

import rig

UTC = datetime.timezone.utc


def days(n):
    return datetime.datetime.now(UTC) + datetime.timedelta(days=n)


@pytest.fixture
def locked(server):
    b = rig.name("lock")
    server.s3.create_bucket(Bucket=b, ObjectLockEnabledForBucket=True,
                            CreateBucketConfiguration={"LocationConstraint": rig.REGION})
    return b


def test_object_lock(server, locked):
    s3, until = server.s3, days(2).replace(microsecond=0)
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    conf = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=conf)
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == conf
    by_default = s3.put_object(Bucket=locked, Key="k", Body=b"1")["VersionId"]
    own = s3.put_object(Bucket=locked, Key="k", Body=b"2", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until,
                        ObjectLockLegalHoldStatus="ON")["VersionId"]
    head = s3.head_object(Bucket=locked, Key="k", VersionId=own)
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"], head["ObjectLockLegalHoldStatus"]) == ("COMPLIANCE", until, "ON")
    assert s3.get_object_retention(Bucket=locked, Key="k")["Retention"] == {"Mode": "COMPLIANCE", "RetainUntilDate": until}
    assert s3.get_object_legal_hold(Bucket=locked, Key="k")["LegalHold"] == {"Status": "ON"}
    for version in (by_default, own):
        assert rig.error(s3.delete_object, Bucket=locked, Key="k", VersionId=version) == (
            "AccessDenied", 403, "Access Denied because object protected by object lock.")
    marker = s3.delete_object(Bucket=locked, Key="k")
    assert marker["DeleteMarker"]
    s3.delete_object(Bucket=locked, Key="k", VersionId=marker["VersionId"])
    s3.put_object_legal_hold(Bucket=locked, Key="k", VersionId=own, LegalHold={"Status": "OFF"})
    done = s3.delete_objects(Bucket=locked, BypassGovernanceRetention=True, Delete={"Objects": [
        {"Key": "k", "VersionId": own}, {"Key": "k", "VersionId": by_default}]})
    assert [(x["Code"], x["VersionId"]) for x in done["Errors"]] == [("AccessDenied", own)]
    assert [x["VersionId"] for x in done["Deleted"]] == [by_default]


def test_object_lock_errors(server, locked):
    s3, plain = server.s3, server.bucket()
    assert rig.error(s3.get_object_lock_configuration, Bucket=plain)[:2] == ("ObjectLockConfigurationNotFoundError", 404)
    assert rig.error(s3.put_object_lock_configuration, Bucket=plain, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})[:2] == (
        "InvalidBucketState", 409)
    s3.put_object(Bucket=locked, Key="k", Body=b"")
    assert rig.error(s3.get_object_retention, Bucket=locked, Key="k")[:2] == ("NoSuchObjectLockConfiguration", 404)
    assert rig.error(s3.put_object_retention, Bucket=locked, Key="k", Retention={"Mode": "governance", "RetainUntilDate": days(1)})[:2] == (
        "MalformedXML", 400)
    assert rig.error(s3.put_object, Bucket=plain, Key="k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=days(1))[:2] == (
        "InvalidRequest", 400)
    assert rig.error(s3.put_bucket_versioning, Bucket=locked, VersioningConfiguration={"Status": "Suspended"})[:2] == (
        "InvalidBucketState", 409)
