# SPDX-License-Identifier: Apache-2.0
"""What the benches share: a server on a fresh data folder, and calls through the loader's environment."""
import contextlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time


@contextlib.contextmanager
def server(build):
    """Yields (environment, folder): mulgil serves, the folder lies on the same disk as its data."""
    folder = tempfile.mkdtemp(prefix="mulgil-bench-", dir=os.environ.get("BENCH_DIR", build))
    data = os.path.join(folder, "data")
    process = subprocess.Popen([os.path.join(build, "mulgil"), "serve", "--data", data, "--api", "127.0.0.1:0", "--console", "off"],
                               stderr=open(os.path.join(folder, "log"), "w"))
    try:
        deadline = time.monotonic() + 30
        while not os.path.exists(os.path.join(data, "endpoint.json")):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the server did not start:\n" + open(os.path.join(folder, "log")).read())
            time.sleep(0.02)
        out = subprocess.run([os.path.join(build, "mulgil"), "env", "--data", data, "--output", "json"], check=True, capture_output=True)
        yield {**os.environ, **{k: v for k, v in json.loads(out.stdout).items() if v}}, folder
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def call(env, service, operation, **parameters):
    """One operation with boto3, which may be Debian's old one: it does not check the parameters."""
    import boto3
    from botocore.config import Config
    client = boto3.client(service, endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"],
                          aws_access_key_id=env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
                          config=Config(parameter_validation=False, s3={"addressing_style": "path"}))
    return getattr(client, operation)(**parameters)


def make_bucket(env, name):
    call(env, "s3", "create_bucket", Bucket=name, CreateBucketConfiguration={"LocationConstraint": env["AWS_REGION"]})


def tool(build, name, *args, env=None):
    """What one of the bench's programs says, which is a line of JSON."""
    out = subprocess.run([os.path.join(build, "bench", name), *map(str, args)], capture_output=True, text=True, env=env)
    if out.returncode:
        raise RuntimeError(f"{name} {' '.join(map(str, args))}: {out.stderr.strip()}")
    return json.loads(out.stdout)


def machine():
    with open("/proc/cpuinfo") as f:
        text = f.read()
    model = re.search(r"model name\s*: (.*)", text)
    with open("/proc/meminfo") as f:
        memory = int(re.search(r"MemTotal:\s*(\d+)", f.read()).group(1)) // (1024 * 1024)
    return f"{os.cpu_count()} processors ({model.group(1) if model else platform.machine()}), {memory} GiB, Linux {platform.release()}"


def memory_of(pid):
    """The most memory that the process had, in MiB."""
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s*(\d+)", f.read()).group(1)) / 1024
