# SPDX-License-Identifier: Apache-2.0
"""Compares every row of the operation table with AWS's own service models (those that botocore carries).

Names, required members, kinds, limits, enums, where members travel, error codes, methods and paths have to be the same.
A service's limits are AWS's; where a model says none, ours may.  Prints how much of each service there is.
"""
import glob
import gzip
import json
import os
import re

import pytest
import tool

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
KINDS = {"string": {"string"}, "blob": {"blob"}, "integer": {"integer"}, "long": {"integer"}, "float": {"number"},
         "double": {"number"}, "boolean": {"boolean"}, "timestamp": {"timestamp"}, "character": {"string"},
         "structure": {"structure", "document"}, "list": {"list", "document"}, "map": {"map", "document"}}
PROTOCOLS = {"json-1.0": ("json", "1.0"), "json-1.1": ("json", "1.1"), "rest-json": ("rest-json", None),
             "rest-xml": ("rest-xml", None), "query": ("query", None)}
PLACES = {None: "body", "uri": "path", "querystring": "query", "header": "header", "headers": "headers"}
# Errors that no model lists but the services give (AWS's "Common errors" and S3's "Error responses").
COMMON = {"ValidationException", "ValidationError", "AccessDeniedException", "ThrottlingException", "InternalFailure",
          "ServiceUnavailable", "ServiceUnavailableException", "SerializationException", "UnknownOperationException",
          "InvalidParameterValueException"}
S3_COMMON = set("""AccessDenied AuthorizationHeaderMalformed BadDigest BucketAlreadyExists BucketAlreadyOwnedByYou
    BucketNotEmpty ConditionalRequestConflict EntityTooLarge EntityTooSmall IncompleteBody InternalError InvalidArgument
    InvalidBucketName InvalidDigest InvalidLocationConstraint InvalidPart InvalidPartOrder InvalidRange InvalidRequest
    InvalidTag InvalidURI KeyTooLongError MalformedXML MaxMessageLengthExceeded MetadataTooLarge MethodNotAllowed
    MissingContentLength MissingRequestBodyError NoSuchBucket NoSuchBucketPolicy NoSuchCORSConfiguration NoSuchKey NoSuchTagSet NoSuchUpload
    IllegalVersioningConfigurationException InvalidBucketState InvalidEncryptionAlgorithmError
    ServerSideEncryptionConfigurationNotFoundError NoSuchVersion NotImplemented NotModified OperationAborted PreconditionFailed RequestTimeout SlowDown
    NoSuchObjectLockConfiguration ObjectLockConfigurationNotFoundError InvalidRetentionPeriod NoSuchLifecycleConfiguration
    TooManyBuckets XAmzContentChecksumMismatch XAmzContentSHA256Mismatch InvalidStorageClass
    UnexpectedContent BadRequest InvalidPartNumber MalformedTrailerError InvalidChunkSizeError IllegalLocationConstraintException
    AccessControlListNotSupported InvalidBucketAclWithObjectOwnership MalformedPolicy MissingSecurityHeader NoSuchPublicAccessBlockConfiguration
    NoSuchWebsiteConfiguration PolicyTooLarge ReplicationConfigurationNotFoundError""".split())
# Where our row is another kind on purpose.
ON_PURPOSE = {
    # AWS answers names it does not know with InvalidAttributeName, which a check by the table would not.
    "sqs GetQueueAttributes.AttributeNames[]": "strings, looked at by the handler",
    "sqs ReceiveMessage.AttributeNames[]": "strings, looked at by the handler",
    "sqs ReceiveMessage.MessageSystemAttributeNames[]": "strings, looked at by the handler",
    **{f"s3 PutBucketNotificationConfiguration.NotificationConfiguration.{kind}Configurations[].Filter.Key.FilterRules[].Name":
       "S3 takes the names in any case" for kind in ("Queue", "LambdaFunction")},
    **{f"s3 {op}.ServerSideEncryption": "a string, looked at by the handler: policies are asked first"
       for op in ("PutObject", "CopyObject", "CreateMultipartUpload")},
    "s3 PutBucketLifecycleConfiguration.LifecycleConfiguration.Rules[].Transitions[].StorageClass": "refused by the handler, whatever it is",
    # A further processor, "mulgil:Layout", and hints beyond AWS's 128 MiB.
    **{f"firehose {where}.{member}": "more than AWS has"
       for where in ("CreateDeliveryStream.ExtendedS3DestinationConfiguration", "UpdateDestination.ExtendedS3DestinationUpdate")
       for member in ("ProcessingConfiguration.Processors[].Type", "ProcessingConfiguration.Processors[].Parameters[].ParameterName",
                      "BufferingHints.SizeInMBs", "S3BackupConfiguration.BufferingHints.SizeInMBs", "S3BackupUpdate.BufferingHints.SizeInMBs")},
    **{f"firehose {where}.BufferingHints.SizeInMBs": "more than AWS has"
       for where in ("CreateDeliveryStream.S3DestinationConfiguration", "UpdateDestination.S3DestinationUpdate")},
    "s3 CreateBucket.CreateBucketConfiguration.LocationConstraint": "the region is configured, not one of AWS's",
}


def models_dir():
    """$MULGIL_BOTOCORE (a botocore data folder), or what tools/setup.sh keeps."""
    for path in (os.environ.get("MULGIL_BOTOCORE"), os.path.join(ROOT, ".cache/botocore")):
        if path and os.path.isdir(path):
            return path
    return None


def load_model(folder, service, version):
    found = glob.glob(os.path.join(folder, service, version, "service-2.json*"))
    assert found, f"no model of {service} {version} in {folder}"
    opener = gzip.open if found[0].endswith(".gz") else open
    with opener(found[0], "rt", encoding="utf-8") as f:
        return json.load(f)


class Comparison:
    def __init__(self, model, service):
        self.model, self.service, self.found = model, service, []

    def differ(self, where, text):
        self.found.append(f"{self.service['name']} {where}: {text}")

    def same(self, where, what, ours, theirs):
        if ours != theirs:
            self.differ(where, f"{what} is {ours!r}; the model has {theirs!r}")

    def limits(self, where, ours, shape):
        low, high = ours.get("min", 0), ours.get("max", 0)
        if shape["type"] in ("float", "double"):
            return
        self.same(where, "min", low, shape.get("min", low))
        if low and "min" not in shape and shape["type"] in ("list", "map"):
            self.differ(where, f"min is {low}; the model has none")
        if high != 2 ** 63 - 1 or "max" in shape:
            self.same(where, "max", high, shape.get("max", high))

    def value(self, where, ours, ref):
        shape = self.model["shapes"][ref["shape"]]
        kind = ours["kind"]
        if kind == "refused" or f"{self.service['name']} {where}" in ON_PURPOSE:
            return
        if "enum" in shape:
            if kind != "enum":
                self.differ(where, f"is a {kind}; the model has an enum")
                return
            self.same(where, "enum", sorted(ours.get("values", []) + ours.get("refused", [])), sorted(shape["enum"]))
            return
        if kind not in KINDS[shape["type"]]:
            self.differ(where, f"is a {kind}; the model has a {shape['type']}")
            return
        if kind == "document":
            return
        self.limits(where, ours, shape)
        if kind == "structure":
            self.members(where, ours["members"], ref["shape"])
        elif kind == "list":
            self.element(where, ours, ref, shape)
        elif kind == "map":
            pair = ours.get("pair") or [{"kind": "string"}, {"kind": "string"}]
            self.value(where + ".key", pair[0], shape["key"])
            self.value(where + ".value", pair[1], shape["value"])

    def element(self, where, ours, ref, shape):
        element, member = ours["element"][0], shape["member"]
        self.value(where + "[]", element, member)
        if self.service["protocol"] not in ("rest-xml", "query"):
            return
        flat = bool(shape.get("flattened") or ref.get("flattened"))
        self.same(where, "flat", ours.get("flat", False), flat)
        if not flat:
            self.same(where, "element's name", element.get("at", "member"), member.get("locationName", "member"))

    def place(self, where, ours, name, ref, payload):
        theirs = "payload" if name == payload else PLACES[ref.get("location")]
        if ref.get("location") == "statusCode":
            return
        self.same(where, "place", ours["in"], theirs)
        if theirs == "payload" and ours["kind"] != "structure":
            return
        self.same(where, "name on the wire", ours.get("at") or ours["name"], ref.get("locationName", name))

    def members(self, where, ours, shape_name):
        shape = self.model["shapes"][shape_name]
        named = {f["name"]: f for f in ours}
        if len(named) != len(ours):
            self.differ(where, "a member is there twice")
        required = set(shape.get("required", []))
        for name in sorted(n for n in named if n not in shape["members"] and named[n]["kind"] != "refused"):
            self.differ(f"{where}.{name}", "is not in the model")
        for name, ref in shape["members"].items():
            at, field = f"{where}.{name}", named.get(name)
            if field is None:
                self.differ(at, "is missing: neither honoured nor refused")
                continue
            if field["kind"] == "refused" and name in required:
                self.differ(at, "is refused, and required in the model")
            if field["kind"] != "refused":
                self.same(at, "required", field.get("required", False), name in required)
            if self.service["protocol"].startswith("rest"):
                self.place(at, field, name, ref, shape.get("payload"))
            self.value(at, field, ref)

    def path(self, op, http):
        self.same(op["name"], "method", op.get("method"), http["method"])
        path, _, query = http["requestUri"].partition("?")
        self.same(op["name"], "path", op["path"].rstrip("/") or "/", path.rstrip("/") or "/")
        ours = set((op.get("query") or "").split("&")) - {""}
        inputs = {f.get("at") or f["name"] for f in op["input"] if f["in"] == "query"}
        for selector in sorted(set(query.split("&")) - {"", *ours}):
            self.differ(op["name"], f"the query selector {selector} of the model is missing")
        for selector in sorted(ours - set(query.split("&")) - inputs):
            self.differ(op["name"], f"the query selector {selector} is not in the model")
        self.same(op["name"], "status", op.get("status", 200), http.get("responseCode", 200))

    def operation(self, op):
        theirs = self.model["operations"].get(op["name"])
        if theirs is None:
            self.differ(op["name"], "is not an operation of the model")
            return
        if self.service["protocol"].startswith("rest"):
            self.path(op, theirs["http"])
        if "input" in theirs:
            self.members(op["name"], op["input"], theirs["input"]["shape"])
        elif op["input"]:
            self.differ(op["name"], "has input members; the model has none")

    def errors(self):
        theirs = {}
        for name, shape in self.model["shapes"].items():
            if shape.get("exception"):
                error = shape.get("error", {})
                theirs[error.get("code", name)] = theirs[name] = error.get("httpStatusCode")
        common = COMMON | (S3_COMMON if self.service["name"] == "s3" else set())
        for error in self.service["errors"]:
            code = error["code"]
            if code in theirs:
                if theirs[code] is not None:
                    self.same(f"error {code}", "status", error["status"], theirs[code])
            elif code not in common:
                self.differ(f"error {code}", "is neither in the model nor a common error")

    def metadata(self):
        meta, s = self.model["metadata"], self.service
        protocol, version = PROTOCOLS[s["protocol"]]
        offered = set(meta.get("protocols", [])) | {meta["protocol"]}
        if protocol not in offered:
            self.differ("protocol", f"is {protocol}; the model has {sorted(offered)}")
        if version and "jsonVersion" in meta:
            self.same("protocol", "JSON version", version, meta["jsonVersion"])
        self.same("signing", "name", s["signing_name"], meta.get("signingName", meta["endpointPrefix"]))
        self.same("target", "prefix", s.get("target_prefix"), meta.get("targetPrefix") if version else None)

    def run(self):
        self.metadata()
        self.errors()
        for op in self.service["operations"]:
            self.operation(op)
        return self.found


TABLE = tool.op_table()
MODELS = models_dir()


@pytest.mark.skipif(not MODELS, reason="no service models: run `tools/setup.sh test` or set MULGIL_BOTOCORE")
@pytest.mark.parametrize("service", TABLE["services"], ids=lambda s: s["name"])
def test_rows_are_as_awss_models_say(service, capsys):
    model = load_model(MODELS, service["name"], service["api_version"])
    with capsys.disabled():
        print(f"\n{service['name']}: {len(service['operations'])} of {len(model['operations'])} operations")
    found = Comparison(model, service).run()
    assert not found, f"{len(found)} differences:\n" + "\n".join(found)


def test_every_row_has_a_line_of_documentation():
    for service in TABLE["services"]:
        for op in service["operations"]:
            assert re.fullmatch(r"[A-Z].{5,150}[.?]", op["doc"]), (service["name"], op["name"], op["doc"])


def test_a_difference_is_found():
    """The comparison itself: every kind of difference has to be seen."""
    model = {"metadata": {"protocol": "json", "jsonVersion": "1.1", "endpointPrefix": "x", "targetPrefix": "X"},
             "operations": {"A": {"http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "In"}}},
             "shapes": {"In": {"type": "structure", "required": ["N"],
                               "members": {"N": {"shape": "S"}, "E": {"shape": "E"}, "L": {"shape": "L"}}},
                        "S": {"type": "string", "min": 1, "max": 5}, "E": {"type": "string", "enum": ["A", "B"]},
                        "L": {"type": "list", "max": 3, "member": {"shape": "S"}},
                        "Gone": {"type": "structure", "members": {}, "exception": True, "error": {"httpStatusCode": 404}}}}

    def service(**change):
        n = {"name": "N", "kind": "string", "in": "body", "required": True, "min": 1, "max": 5}
        e = {"name": "E", "kind": "enum", "in": "body", "values": ["A"], "refused": ["B"]}
        li = {"name": "L", "kind": "list", "in": "body", "min": 0, "max": 3, "element": [{**n, "required": False}]}
        s = {"name": "x", "signing_name": "x", "target_prefix": "X", "protocol": "json-1.1", "api_version": "1",
             "errors": [{"code": "Gone", "status": 404}], "operations": [{"name": "A", "input": [n, e, li]}]}
        for path, value in change.items():
            target, *keys = s, *path.split("__")
            for key in keys[:-1]:
                target = target[int(key) if key.isdigit() else key]
            target[int(keys[-1]) if keys[-1].isdigit() else keys[-1]] = value
        return s

    assert Comparison(model, service()).run() == []
    first = "operations__0__input__0__"
    for change in ({first + "name": "M"}, {first + "required": False}, {first + "min": 0}, {first + "max": 6},
                   {first + "kind": "blob"}, {"operations__0__input__1__values": []}, {"operations__0__name": "B"},
                   {"operations__0__input__1__kind": "string"}, {"operations__0__input__2__max": 4},
                   {"operations__0__input__2__element__0__max": 4}, {"errors__0__code": "Other"},
                   {"errors__0__status": 400}, {"target_prefix": "Y"}, {"signing_name": "y"}, {"protocol": "query"},
                   {first + "kind": "refused"}):
        assert Comparison(model, service(**change)).run(), change
