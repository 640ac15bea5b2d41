# SPDX-License-Identifier: Apache-2.0
"""What the Python suites share: a server in a fresh folder, clients, signed requests, bounded waits."""
import io
import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zipfile

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD = os.path.abspath(os.environ.get("MULGIL_BUILD", os.path.join(ROOT, "build")))
MULGIL = os.environ.get("MULGIL_BIN", os.path.join(BUILD, "mulgil"))
SLOW = float(os.environ.get("MULGIL_SLOW", "1"))
SANITIZED = SLOW > 1
REGION = "ap-northeast-2"
ACCOUNT = "000000000000"
ACCESS_KEY = "AKIATESTTESTTESTTEST"
SECRET = "test-secret-of-the-suites-0123456789"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/test"
CLIENT_ERROR = botocore.exceptions.ClientError
MODELS = os.environ.get("MULGIL_BOTOCORE", os.path.join(ROOT, ".cache/botocore"))


def until(what, fn, seconds=60.0):
    """Waits until fn() is true and returns that; fails, naming @what, when it takes too long."""
    end = time.monotonic() + seconds * SLOW
    while True:
        got = fn()
        if got:
            return got
        assert time.monotonic() < end, f"waited {seconds * SLOW:.0f} s for: {what}; last: {got!r}"
        time.sleep(0.02)


def name(prefix="t"):
    """A name nobody else has."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def environment(**more):
    """This process's environment without anybody's AWS settings."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MULGIL_DATA", "MULGIL_ROOT"))}
    env.update(MULGIL_ROOT_ACCESS_KEY_ID=ACCESS_KEY, MULGIL_ROOT_SECRET_ACCESS_KEY=SECRET,
               AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")
    env.update(more)
    return env


class Server:
    """`mulgil serve` on a folder of its own; may be killed and started again on it."""

    def __init__(self, **settings):
        self.folder = tempfile.TemporaryDirectory(prefix="mulgil-test-")
        self.data = os.path.join(self.folder.name, "data")
        self.log_file = os.path.join(self.folder.name, "log")
        self.shared = os.path.join(self.folder.name, "shared")  # where functions may leave traces
        os.mkdir(self.shared)
        self.settings = dict({"api": "127.0.0.1:0", "console": "127.0.0.1:0", "log-level": "debug", "function-dir": self.shared}, **settings)
        self.process = None
        self.endpoint = self.console = None
        self.clients = {}

    def start(self):
        endpoint = os.path.join(self.data, "endpoint.json")
        if os.path.exists(endpoint):
            os.unlink(endpoint)
        words = [w for k, v in self.settings.items() for w in (f"--{k}", str(v))]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([MULGIL, "serve", "--data", self.data, *words], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=environment())
        until("the server's endpoint.json", lambda: self._ended() or os.path.exists(endpoint), 30)
        with open(endpoint, encoding="utf-8") as f:
            found = json.load(f)
        self.endpoint, self.console = found["api"], found["console"]
        until("the server's health", lambda: self._ended() or self._healthy(), 30)
        self.clients = {}
        return self

    def _ended(self):
        assert self.alive(), f"the server ended with {self.process.returncode}:\n{self.log()[-20000:]}"
        return False

    def _healthy(self):
        try:
            return http(self.endpoint, "GET", "/-/health").status == 200
        except OSError:
            return False

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """As in a crash of the program."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return self

    def restart(self):
        self.kill()
        return self.start()

    def stop(self, check=True):
        """SIGTERM; the server has to end by itself, with exit code 0."""
        if self.process is None:
            return
        code = self.process.poll()
        if code is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(30 * SLOW)
            except subprocess.TimeoutExpired:
                self.kill()
                assert not check, "the server did not end within 30 s of SIGTERM:\n" + self.log()[-20000:]
        log = self.log()
        self.process = None
        self.folder.cleanup()
        assert not check or code in (0, -signal.SIGKILL), f"the server ended with {code}:\n{log[-20000:]}"

    def log_size(self):
        return os.path.getsize(self.log_file) if os.path.exists(self.log_file) else 0

    def log(self, at=0):
        if not os.path.exists(self.log_file):
            return ""
        with open(self.log_file, "rb") as f:
            f.seek(at)
            return f.read().decode(errors="replace")

    def client(self, service, access_key=ACCESS_KEY, secret=SECRET, validate=True, **config):
        key = (service, access_key, secret, validate, tuple(sorted(config)))
        if key not in self.clients:
            if service == "s3":
                config.setdefault("s3", {"addressing_style": "path"})
            c = botocore.config.Config(retries={"total_max_attempts": 1}, parameter_validation=validate,
                                       read_timeout=120 * SLOW, connect_timeout=10 * SLOW, signature_version=None
                                       if service != "s3" else "s3v4", max_pool_connections=16, **config)
            core = botocore.session.get_session()
            if service == "sqs":  # the client of today speaks JSON; Debian's, sqs-query, is older than that
                core.set_config_variable("data_path", MODELS)
            session = boto3.session.Session(aws_access_key_id=access_key, aws_secret_access_key=secret,
                                            region_name=REGION, botocore_session=core)
            self.clients[key] = session.client(service.removesuffix("-query"), endpoint_url=self.endpoint, config=c)
        return self.clients[key]

    def __getattr__(self, service):
        if service.startswith("_"):
            raise AttributeError(service)
        return self.client({"states": "stepfunctions"}.get(service, service))

    def run(self, *words, text="", timeout=60, **env):
        """A `mulgil` command on this server's folder."""
        return subprocess.run([MULGIL, *words], input=text, capture_output=True, encoding="utf-8", check=False,
                              timeout=timeout * SLOW, env=environment(MULGIL_DATA=self.data, **env))

    def bucket(self, **more):
        b = name("b")
        self.s3.create_bucket(Bucket=b, CreateBucketConfiguration={"LocationConstraint": REGION})
        if more.get("events"):
            self.s3.put_bucket_notification_configuration(
                Bucket=b, NotificationConfiguration={"EventBridgeConfiguration": {}})
        return b

    def stream(self, bucket, prefix="", validate=False, **more):
        """A delivery stream without buffering, active; returns its name."""
        s = name("s")
        f = self.client("firehose", validate=validate)
        f.create_delivery_stream(DeliveryStreamName=s, DeliveryStreamType="DirectPut", ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", "Prefix": prefix,
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}, **more})
        until(f"stream {s} is active", lambda: f.describe_delivery_stream(DeliveryStreamName=s)[
            "DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE")
        return s

    def objects(self, bucket, prefix=""):
        """All keys with their bytes."""
        found = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for o in page.get("Contents", []):
                found[o["Key"]] = self.s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read()
        return found

    def function(self, code, **more):
        """A function whose bootstrap is @code run by Python's loop below; returns its name."""
        f = name("f")
        self.client("lambda").create_function(FunctionName=f, Role=ROLE, Runtime="provided.al2023", Handler="bootstrap",
                                              Timeout=more.pop("timeout", int(20 * SLOW)), Code={"ZipFile": package(code)}, **more)
        return f


RUNTIME = '''#!/usr/bin/python3 -u
import json, os, sys, time, urllib.request
API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"

{code}

while True:
    r = urllib.request.urlopen(API + "invocation/next")
    rid, event = r.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(r.read())
    try:
        where, answer = "/response", handle(event)
    except Exception as e:
        where, answer = "/error", {{"errorType": type(e).__name__, "errorMessage": str(e)}}
    urllib.request.urlopen(urllib.request.Request(API + "invocation/" + rid + where, json.dumps(answer).encode()))
'''


def package(code):
    """A zip with one file, bootstrap: the runtime loop around @code, which defines handle(event)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        info = zipfile.ZipInfo("bootstrap", (2020, 1, 1, 0, 0, 0))
        info.external_attr = 0o100755 << 16
        z.writestr(info, RUNTIME.format(code=code))
    return out.getvalue()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        """AWS's name of the error, wherever the protocol puts it."""
        if self.headers.get("x-amzn-errortype"):
            return self.headers["x-amzn-errortype"].split(":")[0]
        if self.body[:1] == b"{":
            return self.json().get("__type", "").split("#")[-1]
        text = self.body.decode(errors="replace")
        return text.partition("<Code>")[2].partition("</Code>")[0]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *words):
        return None


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def http(base, method, target, headers=None, body=None, timeout=60):
    """One plain request; @target goes out as it is."""
    req = urllib.request.Request(base + target, data=body, method=method, headers=headers or {})
    try:
        with _OPENER.open(req, timeout=timeout * SLOW) as r:
            return Answer(r.status, r.headers, r.read())
    except urllib.error.HTTPError as e:
        with e:
            return Answer(e.code, e.headers, e.read())


def sign(server, service, method, target, body=b"", headers=None, access_key=ACCESS_KEY, secret=SECRET, region=REGION,
         when=None):
    """Headers of a request signed by botocore, so that a test can change things behind the signature."""
    req = botocore.awsrequest.AWSRequest(method=method, url=server.endpoint + target, data=body, headers=headers or {})
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    signer = kind(botocore.credentials.Credentials(access_key, secret), service, region)
    if when is None:
        signer.add_auth(req)
        return dict(req.headers.items())
    real = botocore.auth.datetime

    class Clock(real.datetime):
        @classmethod
        def utcnow(cls):
            return when

    class Module:
        datetime = Clock

    botocore.auth.datetime = Module
    try:
        signer.add_auth(req)
    finally:
        botocore.auth.datetime = real
    return dict(req.headers.items())


def signed(server, service, method, target, body=b"", headers=None, **more):
    return http(server.endpoint, method, target, sign(server, service, method, target, body, headers, **more), body or None)


JSON_TARGETS = {
    "athena": ("AmazonAthena", "1.1"), "events": ("AWSEvents", "1.1"), "firehose": ("Firehose_20150804", "1.1"),
    "glue": ("AWSGlue", "1.1"), "kinesis": ("Kinesis_20131202", "1.1"), "logs": ("Logs_20140328", "1.1"), "sqs": ("AmazonSQS", "1.0"),
    "states": ("AWSStepFunctions", "1.0"),
}


def json_call(server, service, operation, document, **more):
    """One operation of a JSON service, past botocore's own checks."""
    prefix, version = JSON_TARGETS[service]
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return signed(server, service, "POST", "/", body,
                  {"X-Amz-Target": f"{prefix}.{operation}", "Content-Type": f"application/x-amz-json-{version}"}, **more)


def error(fn, *words, **members):
    """(code, status, message) of the error that this call must end with."""
    try:
        fn(*words, **members)
    except CLIENT_ERROR as e:
        found = e.response["Error"]
        return found["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"], found.get("Message", "")
    raise AssertionError("the call went through")


def error_or_none(fn, *words, **members):
    """The same, or None if the call goes through."""
    try:
        return error(fn, *words, **members)
    except AssertionError:
        return None
