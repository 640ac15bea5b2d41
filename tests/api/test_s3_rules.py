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


def rule(**more):
    return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "x/"}, **more}


def put_rules(server, bucket, *rules):
    server.s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)})


def test_lifecycle_configuration(server):
    s3, b = server.s3, server.bucket()
    assert rig.error(s3.get_bucket_lifecycle_configuration, Bucket=b)[:2] == ("NoSuchLifecycleConfiguration", 404)
    rules = [rule(Expiration={"Days": 3}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}),
             {"ID": "s", "Status": "Disabled", "Prefix": "", "Expiration": {"Date": datetime.datetime(2040, 1, 1, tzinfo=UTC)}},
             {"ID": "t", "Status": "Enabled", "Filter": {"And": {"Prefix": "", "ObjectSizeGreaterThan": 0, "Tags": [
                 {"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}]}}, "NoncurrentVersionExpiration": {
                     "NoncurrentDays": 1, "NewerNoncurrentVersions": 3}}]
    put_rules(server, b, *rules)
    got = s3.get_bucket_lifecycle_configuration(Bucket=b)
    assert got["Rules"] == rules
    assert got["ResponseMetadata"]["HTTPHeaders"]["x-amz-transition-default-minimum-object-size"] == "all_storage_classes_128K"
    put = s3.put_object(Bucket=b, Key="x/1", Body=b"")
    assert 'rule-id="r"' in put["Expiration"] and s3.head_object(Bucket=b, Key="x/1")["Expiration"] == put["Expiration"]
    assert "Expiration" not in s3.put_object(Bucket=b, Key="y", Body=b"")
    code, status, text = rig.error(put_rules, server, b, rule(Transitions=[{"Days": 1, "StorageClass": "GLACIER"}]))
    assert (code, status) == ("NotImplemented", 501) and "ransition" in text
    assert rig.error(put_rules, server, b, rule(Expiration={"Days": 0}))[:2] == ("InvalidArgument", 400)
    assert rig.error(put_rules, server, b, rule())[:2] == ("InvalidRequest", 400)
    assert s3.get_bucket_lifecycle_configuration(Bucket=b)["Rules"] == rules
    s3.delete_bucket_lifecycle(Bucket=b)
    assert rig.error(s3.get_bucket_lifecycle_configuration, Bucket=b)[0] == "NoSuchLifecycleConfiguration"


def test_bucket_tags(server):
    s3, b, tags = server.s3, server.bucket(), [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    assert rig.error(s3.get_bucket_tagging, Bucket=b)[:2] == ("NoSuchTagSet", 404)
    s3.put_bucket_tagging(Bucket=b, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=b)["TagSet"] == tags
    assert rig.error(s3.put_bucket_tagging, Bucket=b, Tagging={"TagSet": tags[:1] * 2})[:2] == ("InvalidTag", 400)
    s3.delete_bucket_tagging(Bucket=b)
    assert rig.error(s3.get_bucket_tagging, Bucket=b)[0] == "NoSuchTagSet"


def keys(server, bucket):
    return [x["Key"] for p in server.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket) for x in p.get("Contents", [])]


def test_lifecycle_acts_by_itself_and_after_a_crash(make_server):
    """Objects expire while the server is killed again and again: each is there whole or gone, and in the end all are gone."""
    server = make_server(**{"lifecycle-day-s": 1, "lifecycle-interval-s": 1})
    server.start()
    b, n = server.bucket(), 400
    for i in range(n):
        server.s3.put_object(Bucket=b, Key=f"x/{i:04}", Body=f"{i}" * 100)
    kept = server.s3.put_object(Bucket=b, Key="kept", Body=b"stays")["ETag"]
    put_rules(server, b, rule(Expiration={"Days": 1}))
    for _ in range(3):
        before = len(keys(server, b))
        rig.until("some expire", lambda: len(keys(server, b)) < before or before == 1)
        server.kill()
        server.start()
        for key in keys(server, b)[:20]:
            body = server.s3.get_object(Bucket=b, Key=key)["Body"].read().decode()
            assert body == ("stays" if key == "kept" else f"{int(key[2:])}" * 100)
    rig.until("all are expired", lambda: keys(server, b) == ["kept"])
    assert server.s3.head_object(Bucket=b, Key="kept")["ETag"] == kept
    server.s3.put_object(Bucket=b, Key="x/new", Body=b"")
    rig.until("a new one expires", lambda: keys(server, b) == ["kept"])
