# SPDX-License-Identifier: Apache-2.0
"""Who may do what: users from a file, their policies, buckets' policies, other accounts."""
import datetime
import hashlib
import io
import json
import os

import botocore
import pytest

import rig

OTHER, THIRD = "111111111111", "222222222222"
KEYS = {n: ("AKIA" + n.upper() * 8, "secret-of-" + n * 10) for n in ("ann", "bob", "nul", "alt", "eve")}
USERS = f"""users:
- name: ann                 # reads what is under raw/ of every bucket
  access_key_id: {KEYS["ann"][0]}
  secret_access_key: {KEYS["ann"][1]}
  policies:
  - Version: "2012-10-17"
    Statement:
    - {{Effect: Allow, Action: "s3:GetObject*", Resource: "arn:aws:s3:::*/raw/*"}}
    - {{Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::*", Condition: {{StringLike: {{"s3:prefix": "raw/*"}}}}}}
    - {{Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::*/own/${{aws:username}}/*"}}
    - {{Effect: Allow, Action: ["firehose:List*", "sqs:SendMessage"], Resource: "*"}}
- name: bob                 # everything but deletion
  access_key_id: {KEYS["bob"][0]}
  secret_access_key: {KEYS["bob"][1]}
  policies:
  - Statement:
    - {{Effect: Allow, Action: "*", Resource: "*"}}
    - {{Effect: Deny, Action: "s3:Delete*", Resource: "*"}}
- {{name: nul, access_key_id: {KEYS["nul"][0]}, secret_access_key: {KEYS["nul"][1]}}}
- {{name: root, account: "{OTHER}", access_key_id: {KEYS["alt"][0]}, secret_access_key: {KEYS["alt"][1]}}}
- name: eve
  account: "{THIRD}"
  access_key_id: {KEYS["eve"][0]}
  secret_access_key: {KEYS["eve"][1]}
  policies:
  - Statement: {{Effect: Allow, Action: "s3:GetObject", Resource: "*"}}
"""


class Users(rig.Server):
    def s3_of(self, who):
        return self.client("s3", *KEYS[who])

    def start(self):
        path = os.path.join(self.folder.name, "users.yaml")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            f.write(USERS)
        self.settings["users"] = path
        return super().start()


@pytest.fixture(scope="module")
def users():
    s = Users().start()
    yield s
    s.stop()


@pytest.fixture()
def bucket(users):
    b = users.bucket()
    for key in ("raw/a", "raw/b", "other", "own/ann/x"):
        users.s3.put_object(Bucket=b, Key=key, Body=key.encode())
    return b


def policy_of(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def opened(users, b):
    users.s3.delete_public_access_block(Bucket=b)
    return b


def denied(fn, **members):
    code, status, _ = rig.error(fn, **members)
    assert status == 403 and code in ("AccessDenied", "AccessDeniedException", "403"), (code, status)


def test_what_a_user_is_allowed(users, bucket):
    ann = users.s3_of("ann")
    assert ann.get_object(Bucket=bucket, Key="raw/a")["Body"].read() == b"raw/a"
    assert ann.head_object(Bucket=bucket, Key="raw/b")["ContentLength"] == 5
    assert [o["Key"] for o in ann.list_objects_v2(Bucket=bucket, Prefix="raw/")["Contents"]] == ["raw/a", "raw/b"]
    ann.put_object(Bucket=bucket, Key="own/ann/y", Body=b"mine")
    denied(ann.put_object, Bucket=bucket, Key="own/annabel/y", Body=b"not mine")
    denied(ann.put_object, Bucket=bucket, Key="raw/c", Body=b"")
    denied(ann.get_object, Bucket=bucket, Key="other")
    denied(ann.list_objects_v2, Bucket=bucket)
    denied(ann.list_objects_v2, Bucket=bucket, Prefix="own/")
    denied(ann.list_buckets)
    denied(ann.get_bucket_location, Bucket=bucket)
    code, _, message = rig.error(ann.delete_object, Bucket=bucket, Key="raw/a")
    assert (code, message) == ("AccessDenied", f"User: arn:aws:iam::{rig.ACCOUNT}:user/ann is not authorized to perform: "
                               f'"s3:DeleteObject"'.replace('"', "") + f' on resource: "arn:aws:s3:::{bucket}/raw/a" because no '
                               "identity-based policy allows the s3:DeleteObject action")
    # What is listed is what the query says, not a header that only looks like it.
    answer = rig.signed(users, "s3", "GET", f"/{bucket}?list-type=2&prefix=own%2F", headers={"prefix": "raw/"},
                        access_key=KEYS["ann"][0], secret=KEYS["ann"][1])
    assert (answer.status, answer.code()) == (403, "AccessDenied")


def test_an_explicit_deny_wins(users, bucket):
    bob = users.s3_of("bob")
    bob.put_object(Bucket=bucket, Key="k", Body=b"1")
    denied(bob.delete_object, Bucket=bucket, Key="k")
    found = bob.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "raw/a"}]})
    assert [(e["Key"], e["Code"]) for e in found["Errors"]] == [("k", "AccessDenied"), ("raw/a", "AccessDenied")]
    assert "Deleted" not in found
    assert set(users.objects(bucket)) >= {"k", "raw/a"}


def test_a_copy_needs_its_source(users, bucket):
    ann = users.s3_of("ann")
    ann.copy_object(Bucket=bucket, Key="own/ann/c", CopySource={"Bucket": bucket, "Key": "raw/a"})
    denied(ann.copy_object, Bucket=bucket, Key="own/ann/d", CopySource={"Bucket": bucket, "Key": "other"})
    denied(ann.copy_object, Bucket=bucket, Key="raw/d", CopySource={"Bucket": bucket, "Key": "raw/a"})
    # Labels go with it, so they are asked for as well.
    users.s3.put_object_tagging(Bucket=bucket, Key="other", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    users.s3.put_bucket_policy(Bucket=bucket, Policy=policy_of(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{rig.ACCOUNT}:user/ann"}, "Action": "s3:GetObject",
         "Resource": f"arn:aws:s3:::{bucket}/other"}))
    denied(ann.copy_object, Bucket=bucket, Key="own/ann/e", CopySource={"Bucket": bucket, "Key": "other"})
    ann.copy_object(Bucket=bucket, Key="own/ann/e", CopySource={"Bucket": bucket, "Key": "other"}, TaggingDirective="REPLACE")


def test_what_is_not_there_is_not_told(users, bucket):
    ann = users.s3_of("ann")
    assert rig.error(users.s3.get_object, Bucket=bucket, Key="raw/none")[0] == "NoSuchKey"
    assert rig.error(ann.get_object, Bucket=bucket, Key="raw/none")[0] == "NoSuchKey"  # she may list what begins so
    denied(ann.get_object, Bucket=bucket, Key="own/ann/none")  # she may get it, and may not list
    denied(ann.head_object, Bucket=bucket, Key="own/ann/none")
    denied(ann.get_object, Bucket=bucket, Key="none")
    assert rig.error(users.s3_of("bob").get_object, Bucket=bucket, Key="raw/none")[0] == "NoSuchKey"


def test_who_may_list_is_told_what_is_not_there(users, bucket):
    alt = users.s3_of("alt")
    users.s3.put_bucket_policy(Bucket=opened(users, bucket), Policy=policy_of(
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}",
         "Condition": {"StringLike": {"s3:prefix": "raw/*"}}}))
    for ask in (alt.get_object, alt.head_object):
        assert rig.error(ask, Bucket=bucket, Key="raw/none")[1] == 404
        denied(ask, Bucket=bucket, Key="raw/a")
        denied(ask, Bucket=bucket, Key="none")
        denied(ask, Bucket=bucket, Key="other")
        denied(ask, Bucket=bucket, Key="raw/none", VersionId="null")


def test_a_policy_is_asked_before_a_value(users, bucket):
    put = users.s3_of("alt").put_object
    users.s3.put_bucket_policy(Bucket=opened(users, bucket), Policy=policy_of(
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*",
         "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}}}))
    for method in ("AES192", "aws:kms"):
        denied(put, Bucket=bucket, Key="k", Body=b"", ServerSideEncryption=method)
    assert put(Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"


def test_other_services_and_the_rest(users):
    ann, nul = (users.client("firehose", *KEYS[u]) for u in ("ann", "nul"))
    assert "DeliveryStreamNames" in ann.list_delivery_streams()
    denied(nul.list_delivery_streams)
    code, _, message = rig.error(ann.delete_delivery_stream, DeliveryStreamName="x")
    assert code == "AccessDeniedException" and message.startswith(
        f"User: arn:aws:iam::{rig.ACCOUNT}:user/ann is not authorized to perform: firehose:DeleteDeliveryStream on resource: *")
    alt = users.client("firehose", *KEYS["alt"])
    denied(alt.list_delivery_streams)  # the root of another account
    me = users.client("sts", *KEYS["nul"]).get_caller_identity()
    assert (me["Arn"], me["Account"]) == (f"arn:aws:iam::{rig.ACCOUNT}:user/nul", rig.ACCOUNT)
    assert users.client("sts", *KEYS["alt"]).get_caller_identity()["Arn"] == f"arn:aws:iam::{OTHER}:root"
    for who, status in (("nul", 403), ("alt", 403), ("bob", 200)):
        key = dict(access_key=KEYS[who][0], secret=KEYS[who][1])
        assert rig.signed(users, "mulgil", "GET", "/-/measurements", **key).status == status, who
        assert rig.signed(users, "lambda", "GET", "/-/url/x/", **key).status == (403 if status == 403 else 404), who


def test_another_account(users, bucket):
    alt, main = users.s3_of("alt"), users.s3
    for fn, members in ((alt.get_object, {"Key": "raw/a"}), (alt.list_objects_v2, {}), (alt.get_bucket_policy, {}),
                        (alt.delete_bucket, {}), (alt.put_object, {"Key": "x", "Body": b""})):
        denied(fn, Bucket=bucket, **members)
    mine = rig.name("b")
    alt.create_bucket(Bucket=mine, CreateBucketConfiguration={"LocationConstraint": rig.REGION})
    alt.put_object(Bucket=mine, Key="k", Body=b"alt's")
    denied(main.get_object, Bucket=mine, Key="k")
    assert rig.error(main.create_bucket, Bucket=mine, CreateBucketConfiguration={
        "LocationConstraint": rig.REGION})[0] == "BucketAlreadyExists"
    assert [b["Name"] for b in alt.list_buckets()["Buckets"]] == [mine]
    assert mine not in [b["Name"] for b in main.list_buckets()["Buckets"]]
    ids = [hashlib.sha256(a.encode()).hexdigest() for a in (rig.ACCOUNT, OTHER)]
    assert alt.list_buckets()["Owner"]["ID"] == ids[1] and main.list_buckets()["Owner"]["ID"] == ids[0]
    assert alt.get_bucket_acl(Bucket=mine)["Owner"]["ID"] == ids[1]
    assert alt.list_objects_v2(Bucket=mine, FetchOwner=True)["Contents"][0]["Owner"]["ID"] == ids[1]
    alt.head_bucket(Bucket=mine, ExpectedBucketOwner=OTHER)
    denied(alt.head_bucket, Bucket=mine, ExpectedBucketOwner=rig.ACCOUNT)
    # Both sides have to allow it.
    eve = users.s3_of("eve")
    alt.put_bucket_policy(Bucket=mine, Policy=policy_of(
        {"Effect": "Allow", "Principal": {"AWS": [rig.ACCOUNT, THIRD]}, "Action": ["s3:GetObject", "s3:PutObject"],
         "Resource": f"arn:aws:s3:::{mine}/*"}))
    assert main.get_object(Bucket=mine, Key="k")["Body"].read() == b"alt's"
    assert eve.get_object(Bucket=mine, Key="k")["Body"].read() == b"alt's"
    denied(eve.put_object, Bucket=mine, Key="e", Body=b"")
    denied(main.delete_object, Bucket=mine, Key="k")
    denied(users.s3_of("nul").get_object, Bucket=mine, Key="k")
    main.put_object(Bucket=mine, Key="m", Body=b"main's")
    assert alt.get_object(Bucket=mine, Key="m")["Body"].read() == b"main's"  # the bucket's owner has it
    users.restart()
    assert [b["Name"] for b in users.s3_of("alt").list_buckets()["Buckets"]] == [mine]
    denied(users.s3.delete_object, Bucket=mine, Key="k")


def test_who_began_an_upload_is_told(users, bucket):
    s3, nul, alt = users.s3, users.s3_of("nul"), users.s3_of("alt")
    s3.put_bucket_policy(Bucket=opened(users, bucket), Policy=policy_of(
        {"Effect": "Allow", "Principal": {"AWS": [OTHER, f"arn:aws:iam::{rig.ACCOUNT}:user/nul"]}, "Action": "s3:PutObject",
         "Resource": f"arn:aws:s3:::{bucket}/*"}))
    ids = [hashlib.sha256(a.encode()).hexdigest() for a in (rig.ACCOUNT, OTHER)]
    who = {"a": (s3, ids[0]), "b": (alt, ids[1]), "c": (nul, f"arn:aws:iam::{rig.ACCOUNT}:user/nul")}
    began = {key: client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"] for key, (client, _) in who.items()}
    for up in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]:
        assert (up["Initiator"]["ID"], up["Owner"]["ID"]) == (who[up["Key"]][1], ids[0])
    for key, upload in began.items():
        parts = s3.list_parts(Bucket=bucket, Key=key, UploadId=upload)
        assert (parts["Initiator"]["ID"], parts["Owner"]["ID"]) == (who[key][1], ids[0])


def test_a_policy_is_set_read_and_removed(users, bucket):
    nul = users.s3_of("nul")
    assert rig.error(users.s3.get_bucket_policy, Bucket=bucket)[:2] == ("NoSuchBucketPolicy", 404)
    assert rig.error(users.s3.get_bucket_policy_status, Bucket=bucket)[:2] == ("NoSuchBucketPolicy", 404)
    text = policy_of({"Sid": "read", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{rig.ACCOUNT}:user/nul"},
                      "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    denied(nul.get_object, Bucket=bucket, Key="raw/a")
    denied(nul.put_bucket_policy, Bucket=bucket, Policy=text)
    users.s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert users.s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert users.s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": False}
    assert nul.get_object(Bucket=bucket, Key="raw/a")["Body"].read() == b"raw/a"
    denied(nul.get_bucket_policy, Bucket=bucket)
    users.restart()
    nul = users.s3_of("nul")
    assert nul.get_object(Bucket=bucket, Key="raw/a")["Body"].read() == b"raw/a"
    users.s3.delete_bucket_policy(Bucket=bucket)
    denied(nul.get_object, Bucket=bucket, Key="raw/a")
    users.s3.delete_bucket_policy(Bucket=bucket)  # there is none: as AWS, no error


def test_the_root_can_always_mend_a_policy(users, bucket):
    users.s3.put_bucket_policy(Bucket=bucket, Policy=policy_of(
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}))
    denied(users.s3.list_objects_v2, Bucket=bucket)
    denied(users.s3.get_object, Bucket=bucket, Key="raw/a")
    denied(users.s3_of("bob").get_bucket_policy, Bucket=bucket)
    users.s3.get_bucket_policy(Bucket=bucket)
    users.s3.delete_bucket_policy(Bucket=bucket)
    users.s3.get_object(Bucket=bucket, Key="raw/a")


@pytest.mark.parametrize("condition, members, allowed", [
    ({"StringEquals": {"s3:x-amz-storage-class": "STANDARD"}}, {"StorageClass": "STANDARD"}, True),
    ({"StringEquals": {"s3:x-amz-storage-class": "STANDARD"}}, {}, False),
    ({"StringEquals": {"s3:RequestObjectTag/a": "b"}}, {"Tagging": "a=b"}, True),
    ({"StringEquals": {"s3:RequestObjectTag/a": "b"}}, {"Tagging": "a=c"}, False),
    ({"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["a"]}}, {"Tagging": "a=c&b=d"}, False),
    ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {}, True),
    ({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {}, False),
    ({"Bool": {"aws:SecureTransport": "true"}}, {}, False),
    ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, {}, False),
    ({"StringEquals": {"aws:username": "nul", "s3:authType": "REST-HEADER"}}, {}, True),
    ({"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}, {}, True),
    ({"NumericLessThan": {"s3:signatureAge": "600000"}}, {}, True),
])
def test_conditions_of_requests(users, bucket, condition, members, allowed):
    users.s3.put_bucket_policy(Bucket=bucket, Policy=policy_of(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{rig.ACCOUNT}:user/nul"}, "Action": "s3:PutObject*",
         "Resource": f"arn:aws:s3:::{bucket}/*", "Condition": condition}))
    put = users.s3_of("nul").put_object
    if allowed:
        put(Bucket=bucket, Key="c", Body=b"", **members)
    else:
        denied(put, Bucket=bucket, Key="c", Body=b"", **members)


def test_conditions_on_what_is_stored(users, bucket):
    s3, nul = users.s3, users.s3_of("nul")
    s3.put_object(Bucket=bucket, Key="t", Body=b"", Tagging="security=public")
    s3.put_object(Bucket=bucket, Key="u", Body=b"", Tagging="security=private")
    who = {"AWS": f"arn:aws:iam::{rig.ACCOUNT}:user/nul"}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy_of(
        {"Effect": "Allow", "Principal": who, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*",
         "Condition": {"StringEquals": {"s3:ExistingObjectTag/security": "public"}}},
        {"Effect": "Allow", "Principal": who, "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}",
         "Condition": {"NumericLessThanEquals": {"s3:max-keys": "10"}, "StringEquals": {"s3:delimiter": "/"}}},
        {"Effect": "Allow", "Principal": who, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/copy/*",
         "Condition": {"StringLike": {"s3:x-amz-copy-source": f"{bucket}/t*"}}}))
    nul.get_object(Bucket=bucket, Key="t")
    denied(nul.get_object, Bucket=bucket, Key="u")
    denied(nul.get_object, Bucket=bucket, Key="none")
    nul.list_objects_v2(Bucket=bucket, MaxKeys=10, Delimiter="/")
    denied(nul.list_objects_v2, Bucket=bucket, MaxKeys=11, Delimiter="/")
    denied(nul.list_objects_v2, Bucket=bucket, Delimiter="/")
    nul.copy_object(Bucket=bucket, Key="copy/t", CopySource={"Bucket": bucket, "Key": "t"}, TaggingDirective="REPLACE")
    denied(nul.put_object, Bucket=bucket, Key="copy/p", Body=b"")


def test_versions_have_their_own_actions(users, bucket):
    s3, nul = users.s3, users.s3_of("nul")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    v = s3.put_object(Bucket=bucket, Key="v", Body=b"1")["VersionId"]
    s3.put_bucket_policy(Bucket=bucket, Policy=policy_of(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{rig.ACCOUNT}:user/nul"}, "Action": ["s3:GetObject", "s3:DeleteObject"],
         "Resource": f"arn:aws:s3:::{bucket}/*"}))
    nul.get_object(Bucket=bucket, Key="v")
    denied(nul.get_object, Bucket=bucket, Key="v", VersionId=v)
    denied(nul.delete_object, Bucket=bucket, Key="v", VersionId=v)
    found = nul.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "v", "VersionId": v}, {"Key": "v"}]})
    assert [e["Code"] for e in found["Errors"]] == ["AccessDenied"] and found["Deleted"][0]["DeleteMarker"] is True
    assert s3.get_object(Bucket=bucket, Key="v", VersionId=v)["Body"].read() == b"1"


def test_to_go_round_a_lock_is_an_action_of_its_own(users):
    s3, nul, b = users.s3, users.s3_of("nul"), rig.name("b")
    s3.create_bucket(Bucket=b, ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": rig.REGION})
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    v = s3.put_object(Bucket=b, Key="k", Body=b"", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)["VersionId"]
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{rig.ACCOUNT}:user/nul"},
                 "Action": ["s3:DeleteObjectVersion", "s3:PutObjectRetention"], "Resource": f"arn:aws:s3:::{b}/*"}
    s3.put_bucket_policy(Bucket=b, Policy=policy_of(statement))
    denied(nul.delete_object, Bucket=b, Key="k", VersionId=v, BypassGovernanceRetention=True)
    one = {"Objects": [{"Key": "k", "VersionId": v}]}
    assert nul.delete_objects(Bucket=b, Delete=one, BypassGovernanceRetention=True)["Errors"][0]["Code"] == "AccessDenied"
    denied(nul.put_object_retention, Bucket=b, Key="k", VersionId=v, Retention={}, BypassGovernanceRetention=True)
    assert s3.get_object_retention(Bucket=b, Key="k", VersionId=v)["Retention"]["Mode"] == "GOVERNANCE"
    statement["Action"].append("s3:BypassGovernanceRetention")
    s3.put_bucket_policy(Bucket=b, Policy=policy_of(statement))
    nul.delete_object(Bucket=b, Key="k", VersionId=v, BypassGovernanceRetention=True)
    assert "Versions" not in s3.list_object_versions(Bucket=b)


@pytest.mark.parametrize("text, message", [
    ("nonsense", "Policies must be valid JSON and the first byte must be '{'"),
    ("{", "This policy contains invalid Json"),
    ({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::B/*"}, "Missing required field Principal"),
    ({"Effect": "Allow", "Principal": "*", "Action": "s3:Fetch", "Resource": "arn:aws:s3:::B/*"}, "Policy has invalid action"),
    ({"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "arn:aws:s3:::B/*"}, "Policy has invalid action"),
    ({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}, "Policy has invalid resource"),
    ({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}, "Policy has invalid resource"),
    ({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::B"},
     "Action does not apply to any resource(s) in statement"),
    ({"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::B/*"},
     "Action does not apply to any resource(s) in statement"),
    ({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::B/*",
      "Condition": {"StringEquals": {"s3:nonsense": "x"}}}, "Policy has an invalid condition key"),
    ({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::B/*",
      "Condition": {"StringIs": {"aws:Referer": "x"}}}, "Invalid Condition type : StringIs"),
])
def test_a_policy_that_is_wrong(users, bucket, text, message):
    if isinstance(text, dict):
        text = policy_of(text).replace("arn:aws:s3:::B", "arn:aws:s3:::" + bucket)
    assert rig.error(users.s3.put_bucket_policy, Bucket=bucket, Policy=text) == ("MalformedPolicy", 400, message)
    assert rig.error(users.s3.get_bucket_policy, Bucket=bucket)[0] == "NoSuchBucketPolicy"


def test_public_access_is_blocked_until_it_is_allowed(users, bucket):
    s3, alt = users.s3, users.s3_of("alt")
    text = policy_of({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    on = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == on
    assert rig.error(s3.put_bucket_policy, Bucket=bucket, Policy=text)[0] == "AccessDenied"
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
        **dict.fromkeys(on, False), "RestrictPublicBuckets": True}
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    denied(alt.get_object, Bucket=bucket, Key="raw/a")
    users.s3_of("nul").get_object(Bucket=bucket, Key="raw/a")
    s3.delete_public_access_block(Bucket=bucket)
    assert rig.error(s3.get_public_access_block, Bucket=bucket)[:2] == ("NoSuchPublicAccessBlockConfiguration", 404)
    alt.get_object(Bucket=bucket, Key="raw/a")
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    # Everybody is everybody who signs.
    assert rig.http(users.endpoint, "GET", f"/{bucket}/raw/a").status == 403


def test_buckets_may_begin_open(make_server):
    s = make_server(**{"public-access-block": "off"}).start()
    b = s.bucket()
    assert rig.error(s.s3.get_public_access_block, Bucket=b)[0] == "NoSuchPublicAccessBlockConfiguration"
    s.s3.put_bucket_policy(Bucket=b, Policy=policy_of(
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{b}/*"}))
    s.s3.put_public_access_block(Bucket=b, PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    assert s.s3.get_public_access_block(Bucket=b)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True


def test_what_a_fresh_bucket_answers(users, bucket):
    s3, owner = users.s3, hashlib.sha256(rig.ACCOUNT.encode()).hexdigest()
    full = [{"Grantee": {"ID": owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}]
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="raw/a")):
        assert acl["Owner"]["ID"] == owner and acl["Grants"] == full
    assert rig.error(s3.get_object_acl, Bucket=bucket, Key="none")[0] == "NoSuchKey"
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    s3.put_object_acl(Bucket=bucket, Key="raw/a", ACL="bucket-owner-full-control")
    no = ("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
    assert rig.error(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == no
    assert rig.error(s3.put_object_acl, Bucket=bucket, Key="raw/a", ACL="public-read") == no
    for fn, members in ((s3.put_object, {"Body": b""}), (s3.create_multipart_upload, {}),
                        (s3.copy_object, {"CopySource": {"Bucket": bucket, "Key": "raw/a"}})):
        fn(Bucket=bucket, Key="canned", ACL="bucket-owner-full-control", **members)
        assert rig.error(fn, Bucket=bucket, Key="canned", ACL="authenticated-read", **members) == no
    assert rig.error(s3.create_bucket, Bucket=rig.name("b"), ACL="public-read",
                     CreateBucketConfiguration={"LocationConstraint": rig.REGION})[0] == "InvalidBucketAclWithObjectOwnership"
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == rules
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)
    code, _, message = rig.error(s3.put_bucket_ownership_controls, Bucket=bucket,
                                 OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    assert code == "NotImplemented" and "objectOwnership" in message
    assert rig.error(s3.delete_bucket_ownership_controls, Bucket=bucket)[0] == "NotImplemented"
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"})
    assert rig.error(s3.put_bucket_request_payment, Bucket=bucket,
                     RequestPaymentConfiguration={"Payer": "Requester"})[0] == "NotImplemented"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    code, _, message = rig.error(s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus={
        "LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": ""}})
    assert code == "NotImplemented" and "loggingenabled" in message.lower()
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert rig.error(s3.get_bucket_website, Bucket=bucket)[:2] == ("NoSuchWebsiteConfiguration", 404)
    assert rig.error(s3.get_bucket_replication, Bucket=bucket)[:2] == ("ReplicationConfigurationNotFoundError", 404)


# --- every operation, called by somebody who may nothing ---

def rows():
    table = json.loads(rig.subprocess.run([rig.MULGIL, "op-table"], capture_output=True, check=True).stdout)
    return [o for s in table["services"] if s["name"] == "s3" for o in s["operations"]]


def least(field, special):
    """The least value that a member of the table takes."""
    if field["name"] in special:
        return special[field["name"]]
    kind = field["kind"]
    if kind == "structure":
        return {f["name"]: least(f, special) for f in field["members"] if f.get("required")}
    if kind == "list":
        return [least(field["element"][0], special)]
    if kind == "map":
        return {}
    if kind == "enum":
        return field["values"][0]
    return {"integer": 1, "number": 1, "boolean": True, "blob": b"", "timestamp": 0}.get(kind, "x")


def state(s3, b):
    """All that the operations could change of a bucket."""
    out = {"buckets": [x["Name"] for x in s3.list_buckets()["Buckets"]]}
    versions = s3.list_object_versions(Bucket=b)
    out["versions"] = [(v["Key"], v["VersionId"], v.get("ETag")) for n in ("Versions", "DeleteMarkers") for v in versions.get(n, [])]
    out["uploads"] = [(u["Key"], u["UploadId"], [(p["PartNumber"], p["ETag"]) for p in s3.list_parts(
        Bucket=b, Key=u["Key"], UploadId=u["UploadId"]).get("Parts", [])])
        for u in s3.list_multipart_uploads(Bucket=b).get("Uploads", [])]
    out["tags"] = s3.get_object_tagging(Bucket=b, Key="raw/a")["TagSet"]
    for o in rows():
        if o["name"].startswith(("GetBucket", "GetPublic", "GetObjectLockConfiguration")):
            try:
                found = getattr(s3, botocore.xform_name(o["name"]))(Bucket=b)
            except rig.CLIENT_ERROR as e:
                found = e.response["Error"]["Code"]
            else:
                found.pop("ResponseMetadata")
            out[o["name"]] = found
    return out


def test_every_operation_by_a_user_without_permissions(users, bucket):
    nul, s3 = users.s3_of("nul"), users.s3
    upload = s3.create_multipart_upload(Bucket=bucket, Key="raw/a")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="raw/a", UploadId=upload, PartNumber=1, Body=b"part")
    special = {"Bucket": bucket, "Key": "raw/a", "CopySource": {"Bucket": bucket, "Key": "raw/b"}, "UploadId": upload,
               "Policy": policy_of({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"})}
    before, called = state(s3, bucket), 0
    for row in rows():
        if row["name"] == "PostObject":  # a form, which boto3 only signs
            continue
        fields = [f for f in row["input"] if f.get("required") or f["name"] == "Body"]
        members = {f["name"]: io.BytesIO(b"bytes") if f["name"] == "Body" else least(f, special) for f in fields}
        if row["name"] == "CreateBucket":
            members["Bucket"] = rig.name("b")
        if row["name"] in ("PutBucketAcl", "PutObjectAcl"):
            members["ACL"] = "private"
        call = getattr(nul, botocore.xform_name(row["name"]))
        if row["name"] == "DeleteObjects":
            assert [e["Code"] for e in call(**members)["Errors"]] == ["AccessDenied"]
        else:
            code, status, message = rig.error(call, **members)
            assert status == 403 and code in ("AccessDenied", "403"), (row["name"], code, message)
        called += 1
    assert called >= 40 and state(s3, bucket) == before


def test_every_operation_by_nobody(users, bucket):
    for row in rows():
        target = row["path"].replace("{Bucket}", bucket).replace("{Key+}", "raw/a") + "?" + row.get("query", "")
        answer = rig.http(users.endpoint, row["method"], target, body=b"" if row["method"] in ("PUT", "POST") else None)
        assert answer.status == 403, (row["name"], answer.status)


# --- the file ---

@pytest.mark.parametrize("text, mode, message", [
    ("users: []\n", 0o644, "it holds secrets and its mode is 0644; chmod 600 it"),
    ("users:\n- name: [\n", 0o600, "line"),
    ("who: []\n", 0o600, 'a list "users" is expected'),
    ("users:\n- name: a\n", 0o600, "users[0]: access_key_id is missing"),
    ("users:\n- {name: a, access_key_id: AKIAAAAAAAAAAAAA, secret_access_key: short}\n", 0o600,
     "users[0]: secret_access_key: 16 to 128 characters"),
    ("users:\n- {name: a, account: 111111111111, access_key_id: AKIAAAAAAAAAAAAA, secret_access_key: 0123456789abcdef}\n", 0o600,
     "users[0]: account: a text is expected (in quotes)"),
    ("users:\n- {name: a, key: x}\n", 0o600, 'users[0]: there is no member "key"'),
    ("users:\n- {name: a, access_key_id: AKIATESTTESTTESTTEST, secret_access_key: 0123456789abcdef}\n", 0o600,
     "users[0]: access_key_id: another key has it already"),
    ("users:\n- {name: a, access_key_id: AKIAAAAAAAAAAAAA, secret_access_key: 0123456789abcdef, policies: [{Statement: {Effect: Allow}}]}\n",
     0o600, "users[0]: policies[0]: Missing required field Action"),
    ("users:\n- {name: a, access_key_id: AKIAAAAAAAAAAAAA, secret_access_key: 0123456789abcdef, policies: [{Statement: "
     "{Effect: Allow, Action: 'glue:*', Resource: 'arn:aws:glue:*:*:table/x'}}]}\n",
     0o600, 'users[0]: policies[0]: a Resource other than "*" is only supported with actions that begin with "s3:"'),
])
def test_a_users_file_that_is_wrong(tmp_path, text, mode, message):
    path = tmp_path / "users.yaml"
    path.write_text(text)
    path.chmod(mode)
    p = rig.subprocess.run([rig.MULGIL, "serve", "--data", str(tmp_path / "data"), "--api", "127.0.0.1:0", "--console", "off",
                            "--users", str(path)], capture_output=True, encoding="utf-8", env=rig.environment(),
                           timeout=60 * rig.SLOW, check=False)
    assert p.returncode == 1 and f"users file {path}: " in p.stderr and message in p.stderr, p.stderr
