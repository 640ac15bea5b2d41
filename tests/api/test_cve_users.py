# SPDX-License-Identifier: Apache-2.0
"""The rows of other object stores' advisories that need principals with limited rights; the others are in test_cve.py.

The number in a test's name is the row.  Each asks for what was once granted by mistake, and then looks whether
anything has changed.
"""
import datetime

import pytest

import raw
import rig
import test_access as access

NUL = {"AWS": f"arn:aws:iam::{rig.ACCOUNT}:user/nul"}
IAM = [("create_user", {"UserName": "x"}), ("create_access_key", {"UserName": "bob"}), ("create_access_key", {}),
       ("list_access_keys", {"UserName": "bob"}), ("list_users", {}), ("update_access_key", {"AccessKeyId": access.KEYS["bob"][0], "Status": "Inactive"}),
       ("put_user_policy", {"UserName": "nul", "PolicyName": "p", "PolicyDocument": "{}"}), ("delete_user_policy", {"UserName": "bob", "PolicyName": "p"}),
       ("attach_user_policy", {"UserName": "nul", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
       ("create_role", {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}), ("put_role_policy", {"RoleName": "r", "PolicyName": "p", "PolicyDocument": "{}"}),
       ("create_policy_version", {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "PolicyDocument": "{}", "SetAsDefault": True}),
       ("add_user_to_group", {"GroupName": "admins", "UserName": "nul"}), ("create_login_profile", {"UserName": "bob", "Password": "pass-word-1"}),
       ("create_service_specific_credential", {"UserName": "bob", "ServiceName": "codecommit.amazonaws.com"})]
STS = [("assume_role", {"RoleArn": rig.ROLE, "RoleSessionName": "session"}), ("get_session_token", {}), ("get_federation_token", {"Name": "root"}),
       ("assume_role_with_web_identity", {"RoleArn": rig.ROLE, "RoleSessionName": "session", "WebIdentityToken": "eyJhbGciOiJub25lIn0.e30."})]


@pytest.fixture(scope="module")
def users():
    s = access.Users().start()
    yield s
    s.stop()


@pytest.fixture
def bucket(users):
    b = users.bucket()
    users.s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Enabled"})
    users.s3.put_object(Bucket=b, Key="secret/a", Body=b"old")
    users.s3.put_object(Bucket=b, Key="secret/a", Body=b"secret")
    users.s3.put_object(Bucket=b, Key="mine/a", Body=b"mine")
    return b


def allow(users, b, *statements):
    full = [{"Effect": "Allow", "Principal": NUL, **s} for s in statements]
    users.s3.put_bucket_policy(Bucket=b, Policy=access.policy_of(*full))


def on(b, key, *actions, **more):
    return {"Action": list(actions), "Resource": f"arn:aws:s3:::{b}/{key}", **more}


def test_10_nobody_makes_keys_or_rights(users, bucket):
    before = users.objects(bucket)
    for who in ("nul", "ann", "eve", "alt"):
        for service, calls in (("iam", IAM), ("sts", STS)):
            client = users.client(service, *access.KEYS[who])
            for name, members in calls:
                _, status, _ = rig.error(getattr(client, name), **members)
                assert 400 <= status < 500, (who, name, status)
    # No one has more than before, no key has gone.
    access.denied(users.s3_of("nul").get_object, Bucket=bucket, Key="secret/a")
    access.denied(users.s3_of("bob").delete_object, Bucket=bucket, Key="secret/a")
    assert users.s3_of("bob").get_object(Bucket=bucket, Key="secret/a")["Body"].read() == b"secret"
    assert users.objects(bucket) == before


def test_10_what_a_user_signs_may_do_what_the_user_may(users, bucket):
    """URLs and forms are its children; a policy of another user's cannot be set by way of them."""
    key, secret = access.KEYS["nul"]
    host = users.endpoint.partition("//")[2]
    for method, target in (("GET", f"/{bucket}/secret/a"), ("PUT", f"/{bucket}/new"), ("DELETE", f"/{bucket}/secret/a"), ("GET", f"/{bucket}?list-type=2"),
                           ("PUT", f"/{bucket}?policy"), ("GET", "/")):
        url = raw.presigned(host, method, target, access_key=key, secret=secret)
        assert rig.http(users.endpoint, method, url, body=b"{}" if method == "PUT" else None).status == 403, target
    post = users.s3_of("nul").generate_presigned_post(bucket, "new")
    body = b"".join(f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in post["fields"].items())
    body += b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--b--\r\n'
    answer = rig.http(users.endpoint, "POST", f"/{bucket}", body=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert (answer.status, answer.code()) == (403, "AccessDenied")
    assert rig.error(users.s3.head_object, Bucket=bucket, Key="new")[1] == 404


def test_11_an_explicit_deny_beats_every_header(users):
    s3, nul, b = users.s3, users.s3_of("nul"), rig.name("b")
    s3.create_bucket(Bucket=b, ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": rig.REGION})
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    v = s3.put_object(Bucket=b, Key="k", Body=b"", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)["VersionId"]
    everything = {"Action": "s3:*", "Resource": [f"arn:aws:s3:::{b}", f"arn:aws:s3:::{b}/*"]}

    def deny(*actions):
        allow(users, b, everything, on(b, "*", *actions, Effect="Deny"))

    deny("s3:BypassGovernanceRetention")
    access.denied(nul.delete_object, Bucket=b, Key="k", VersionId=v, BypassGovernanceRetention=True)
    access.denied(nul.put_object_retention, Bucket=b, Key="k", VersionId=v, Retention={}, BypassGovernanceRetention=True)
    one = {"Objects": [{"Key": "k", "VersionId": v}]}
    assert nul.delete_objects(Bucket=b, Delete=one, BypassGovernanceRetention=True)["Errors"][0]["Code"] == "AccessDenied"
    url = nul.generate_presigned_url("delete_object", Params={"Bucket": b, "Key": "k", "VersionId": v, "BypassGovernanceRetention": True})
    answer = rig.http(users.endpoint, "DELETE", url[len(users.endpoint):], headers={"x-amz-bypass-governance-retention": "true"})
    assert answer.status == 403
    for action, members in (("s3:PutObjectTagging", {"Tagging": "a=b"}), ("s3:PutObjectAcl", {"ACL": "private"}),
                            ("s3:PutObjectLegalHold", {"ObjectLockLegalHoldStatus": "ON"}),
                            ("s3:PutObjectRetention", {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until})):
        deny(action)
        access.denied(nul.put_object, Bucket=b, Key="new", Body=b"", **members)
        access.denied(nul.create_multipart_upload, Bucket=b, Key="new", **members)
        access.denied(nul.copy_object, Bucket=b, Key="new", CopySource=f"{b}/k", TaggingDirective="REPLACE", **members)
        nul.put_object(Bucket=b, Key="plain", Body=b"")
    deny("s3:PutObject")
    for header in ("x-amz-tagging", "x-amz-acl", "x-amz-bypass-governance-retention", "x-amz-request-payer", "x-amz-expected-bucket-owner"):
        value = {"x-amz-acl": "private", "x-amz-request-payer": "requester", "x-amz-expected-bucket-owner": rig.ACCOUNT}.get(header, "true")
        key, secret = access.KEYS["nul"]
        answer = rig.signed(users, "s3", "PUT", f"/{b}/new", b"x", {header: value}, access_key=key, secret=secret)
        assert answer.status in (403, 501), (header, answer.status)  # 501: PutObject does not know it
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=b)["Contents"]] == ["k", "plain"]
    assert s3.get_object_retention(Bucket=b, Key="k", VersionId=v)["Retention"]["Mode"] == "GOVERNANCE"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=b)


def sources(b, version):
    """One key, written in every way that a copy source can be written."""
    yield from (f"{b}/secret/a", f"/{b}/secret/a", f"{b}/secret%2Fa", f"{b}%2Fsecret%2Fa", f"{b}/%73ecret/a", f"{b}/secret/a?versionId={version}")


def test_24_a_copy_needs_the_action_of_its_source(users, bucket):
    nul, s3 = users.s3_of("nul"), users.s3
    version = s3.list_object_versions(Bucket=bucket, Prefix="secret/")["Versions"][1]["VersionId"]
    key, secret = access.KEYS["nul"]
    own = on(bucket, "mine/*", "s3:*")
    allow(users, bucket, own)
    upload = nul.create_multipart_upload(Bucket=bucket, Key="mine/up")["UploadId"]

    def ways(want, all_sources):
        for source in all_sources:
            for target in (f"/{bucket}/mine/new", f"/{bucket}/mine/up?partNumber=1&uploadId={upload}"):
                for more in ({}, {"x-amz-copy-source-range": "bytes=0-1"}, {"x-amz-copy-source-if-match": '"no"'}, {"x-amz-metadata-directive": "REPLACE"}):
                    if ("uploadId" in target) == ("x-amz-metadata-directive" in more) or ("x-amz-copy-source-range" in more and "uploadId" not in target):
                        continue
                    answer = rig.signed(users, "s3", "PUT", target, b"", {"x-amz-copy-source": source, **more}, access_key=key, secret=secret)
                    assert answer.status == want, (source, target, more, answer.status, answer.body)

    ways(403, sources(bucket, version))
    # What a version needs is not what the current one needs, in both directions.
    allow(users, bucket, own, on(bucket, "secret/*", "s3:GetObject", "s3:GetObjectTagging"))
    ways(403, [f"{bucket}/secret/a?versionId={version}"])
    allow(users, bucket, own, on(bucket, "secret/*", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"))
    ways(403, list(sources(bucket, version))[:-1])
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="mine/up", UploadId=upload)
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["mine/a", "secret/a"]
    allow(users, bucket, own, on(bucket, "secret/*", "s3:GetObject"))
    nul.copy_object(Bucket=bucket, Key="mine/new", CopySource=f"{bucket}/secret/a")
    nul.upload_part_copy(Bucket=bucket, Key="mine/up", UploadId=upload, PartNumber=1, CopySource=f"{bucket}/secret/a")
    assert s3.get_object(Bucket=bucket, Key="mine/new")["Body"].read() == b"secret"


def test_24_every_way_to_read_needs_the_action(users, bucket):
    nul, s3 = users.s3_of("nul"), users.s3
    version = s3.list_object_versions(Bucket=bucket, Prefix="secret/")["Versions"][1]["VersionId"]
    one = {"Bucket": bucket, "Key": "secret/a"}
    plain = [("get_object", {}), ("head_object", {}), ("get_object", {"Range": "bytes=0-1"}), ("get_object", {"PartNumber": 1}), ("head_object", {"PartNumber": 1}),
             ("get_object", {"ResponseContentType": "text/plain"}), ("get_object", {"IfNoneMatch": '"x"'}), ("get_object", {"ChecksumMode": "ENABLED"}),
             ("get_object_attributes", {"ObjectAttributes": ["ETag"]})]

    def refused(calls, **more):
        for name, members in calls:
            access.denied(getattr(nul, name), **one, **members, **more)

    allow(users, bucket, on(bucket, "mine/*", "s3:*"))
    refused(plain)
    refused(plain, VersionId=version)
    refused([("get_object_tagging", {}), ("get_object_acl", {}), ("get_object_retention", {}), ("get_object_legal_hold", {})])
    allow(users, bucket, on(bucket, "*", "s3:GetObject", "s3:GetObjectAttributes"))
    refused(plain, VersionId=version)
    refused(plain, VersionId="null")
    allow(users, bucket, on(bucket, "*", "s3:GetObjectVersion", "s3:GetObjectVersionAttributes"))
    refused(plain)
    assert nul.get_object(VersionId=version, **one)["Body"].read() == b"old"


def test_24_a_bucket_of_another_account(users, bucket):
    """Rights in one's own account are none in another one."""
    b = rig.name("b")
    alt = users.s3_of("alt")
    alt.create_bucket(Bucket=b, CreateBucketConfiguration={"LocationConstraint": rig.REGION})
    access.denied(alt.copy_object, Bucket=b, Key="k", CopySource=f"{bucket}/secret/a")
    access.denied(users.s3.copy_object, Bucket=b, Key="k", CopySource=f"{bucket}/secret/a")
    up = alt.create_multipart_upload(Bucket=b, Key="k")["UploadId"]
    access.denied(alt.upload_part_copy, Bucket=b, Key="k", UploadId=up, PartNumber=1, CopySource=f"{bucket}/secret/a")
    assert "Contents" not in alt.list_objects_v2(Bucket=b)
