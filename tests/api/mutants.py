# SPDX-License-Identifier: Apache-2.0
"""Signed requests of every kind, and one byte of each changed wherever the signature should notice.

Left out by construction, because the request then still says the same, or because no signature covers it:
  - the case of letters in names of headers, form fields and trailers, and of hex digits in %xx and chunk sizes;
  - a blank for a tab, and the other way round, in a header's value (both are one blank in what is signed);
  - the `=` of an empty query parameter for `&` (an empty parameter more);
  - the HTTP version, and the coding of the body on its way (HTTP's chunks, Content-Length of a body that ends itself);
  - the body where x-amz-content-sha256 is UNSIGNED-PAYLOAD; of a form its Host, its file and what is behind that.
"""
import io
import random
import re
import zlib
import base64

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import raw
import rig

FILLER = b"\r\n" * 6000  # ends a head whose end was changed, and bodies that became longer; 4-digit lengths at most
PRINTABLE = bytes(range(33, 127))


class Request:
    """@data: the bytes; @spots: (first, last + 1, pure) where a byte may change; pure: what follows stays in step."""

    def __init__(self, kind, data, no_body=False):
        self.kind, self.data, self.no_body = kind, data, no_body
        self.spots, self.names, self.hexes = [], set(), set()

    def head_end(self):
        return self.data.index(b"\r\n\r\n") + 4

    def add(self, first, last, pure=False):
        if last > first:
            self.spots.append((first, last, pure))
        return self

    def add_head(self, skip=()):
        """The request line without its version and every header line but those in @skip."""
        at = self.data.index(b" HTTP/1.1\r\n")
        self.add(0, at, True)
        self.add(at, at + 1)
        self.add(at + 9, at + 11)
        at += 11
        while self.data[at:at + 2] != b"\r\n":
            end = self.data.index(b"\r\n", at)
            name = self.data[at:self.data.index(b":", at)]
            if name.lower() not in skip:
                framing = name.lower() in (b"content-length", b"transfer-encoding", b"expect", b"connection")
                self.names.update(range(at, at + len(name)))
                self.add(at, at + len(name) + 1)
                self.add(at + len(name) + 1, end, not framing)
                self.add(end, end + 2)
            at = end + 2
        self.add(at, at + 2)
        for m in re.finditer(rb"%[0-9A-Fa-f]{2}", self.data[:self.data.index(b" HTTP/1.1")]):
            self.hexes.update((m.start() + 1, m.start() + 2))
        return self

    def mutant(self, rnd):
        """(bytes, pure, what was changed) or None if the change is one of those left out."""
        spot = rnd.choices(self.spots, [b - a for a, b, _ in self.spots])[0]
        at = rnd.randrange(spot[0], spot[1])
        old = self.data[at]
        new = rnd.choice(PRINTABLE) if rnd.random() < 0.75 else rnd.randrange(256)
        if rnd.random() < 0.1 and chr(old).isalpha():
            new = old ^ 0x20  # often what goes unnoticed
        if new == old or {old, new} == {32, 9}:
            return None
        if chr(old).lower() == chr(new).lower() and (at in self.names or at in self.hexes):
            return None
        if old == 0x3d and new == 0x26 and self.data[at + 1:at + 2] in (b"&", b" "):
            return None
        pure = spot[2] and new in PRINTABLE
        return self.data[:at] + bytes([new]) + self.data[at + 1:] + (b"" if pure else FILLER), pure, (self.kind, at, old, new)


def signed(server, method, target, body=b"", headers=None):
    """By botocore, the payload's digest in the signature."""
    req = botocore.awsrequest.AWSRequest(method=method, url=server.endpoint + target, data=body, headers=headers or {})
    botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(rig.ACCESS_KEY, rig.SECRET), "s3", rig.REGION).add_auth(req)
    pairs = [("Host", server.endpoint.partition("//")[2]), *req.headers.items()]
    if body or method in ("PUT", "POST"):
        pairs.append(("Content-Length", str(len(body))))
    r = Request("header " + method, raw.head(method, target, pairs) + body, method == "HEAD")
    return r.add_head().add(r.head_end(), len(r.data))


def presigned(server, method, operation, params):
    url = server.s3.generate_presigned_url(operation, params)
    host, target = server.endpoint.partition("//")[2], url[len(server.endpoint):]
    body = b"presigned body" if method == "PUT" else b""
    pairs = [("Host", host)] + ([("Content-Length", str(len(body)))] if body else [])
    r = Request("presigned " + method, raw.head(method, target, pairs) + body, method == "HEAD")
    return r.add_head(skip=(b"content-length",))


def chunks(server, target, mode, pieces, crc, coding):
    """aws-chunked in one of its three forms; @coding: inside HTTP's chunks."""
    host, body = server.endpoint.partition("//")[2], b"".join(pieces)
    checksum = "x-amz-checksum-crc32:" + base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    pairs = [("Content-Encoding", "aws-chunked"), ("x-amz-decoded-content-length", str(len(body)))]
    if crc:
        pairs.append(("x-amz-trailer", "x-amz-checksum-crc32"))

    def make(s):
        if "UNSIGNED" not in mode:
            return raw.signed_chunks(s, pieces, checksum if crc else None)
        return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n" + checksum.encode() + b"\r\n\r\n"

    data = raw.request(host, "PUT", target, pairs, make, payload=mode, chunked=coding)
    r = Request(mode + (" in chunks" if coding else ""), data).add_head(skip=(b"content-length", b"transfer-encoding"))
    at = r.head_end()
    for m in re.finditer(rb"x-amz-checksum-crc32:|x-amz-trailer-signature:", data[at:]):
        r.names.update(range(at + m.start(), at + m.end()))
    for m in re.finditer(rb"(?m)^([0-9a-f]+)(;chunk-signature=|\r\n)", data[at:]):
        r.hexes.update(range(at + m.start(1), at + m.end(1)))
    if coding:  # HTTP's own lines are left out
        while data[at:at + 3] != b"0\r\n":
            size = int(data[at:data.index(b"\r\n", at)], 16)
            at = data.index(b"\r\n", at) + 2
            r.add(at, at + size)
            at += size + 2
        return r
    return r.add(at, len(data))


def form(server, bucket, key):
    fields = {"x-amz-meta-who": "p-1", "Content-Type": "text/x-form"}
    p = server.s3.generate_presigned_post(bucket, key, Fields=dict(fields), Conditions=[
        {k: v} for k, v in fields.items()] + [["content-length-range", 0, 1000]])
    out, names, b = io.BytesIO(), [], "xBoundary7"
    for k, v in p["fields"].items():
        out.write(f'--{b}\r\nContent-Disposition: form-data; name="'.encode())
        names.append((out.tell(), out.tell() + len(k)))
        out.write(f'{k}"\r\n\r\n{v}\r\n'.encode())
    fields_end = out.tell()
    out.write(f'--{b}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ncontent\r\n--{b}--\r\n'.encode())
    body = out.getvalue()
    pairs = [("Host", server.endpoint.partition("//")[2]), ("Content-Type", f"multipart/form-data; boundary={b}"), ("Content-Length", str(len(body)))]
    r = Request("form", raw.head("POST", f"/{bucket}", pairs) + body).add_head(skip=(b"host", b"content-length"))
    at = r.head_end()
    r.add(at, at + fields_end)
    for first, last in names:
        r.names.update(range(at + first, at + last))
    for word in (b"Content-Disposition: form-data; name", b"multipart/form-data; boundary"):
        for m in re.finditer(re.escape(word), r.data):
            r.names.update(range(m.start(), m.end()))
    return r


def all_kinds(server, bucket, rnd):
    """Requests that are each accepted as they are; @rnd chooses keys and bodies."""
    def key():
        return "m/" + "".join(rnd.choice("abcXYZ019-_.~ +&=%/\u00e4") for _ in range(rnd.randrange(1, 12))).replace("//", "/-") + "k"

    def body(n=200):
        return bytes(rnd.randrange(256) for _ in range(rnd.randrange(1, n)))

    def path(k):
        return f"/{bucket}/" + rig.urllib.parse.quote(k.encode(), safe="/-_.~")

    made = []
    for _ in range(4):
        made.append(signed(server, "PUT", path(key()), body(), {"x-amz-meta-a": "one  two", "Content-Type": "text/x", "x-amz-tagging": "a=1&b=2"}))
        made.append(signed(server, "GET", path("kept"), headers={"Range": "bytes=0-3"}))
        made.append(signed(server, "GET", f"/{bucket}?list-type=2&prefix=m%2F&max-keys=5&delimiter="))
        made.append(signed(server, "HEAD", path("kept")))
        made.append(signed(server, "DELETE", path("absent " + key())))
        made.append(signed(server, "POST", f"/{bucket}?delete", b"<Delete><Object><Key>absent</Key></Object></Delete>"))
        made.append(presigned(server, "GET", "get_object", {"Bucket": bucket, "Key": "kept", "ResponseContentType": "text/y"}))
        made.append(presigned(server, "HEAD", "head_object", {"Bucket": bucket, "Key": "kept"}))
        made.append(presigned(server, "PUT", "put_object", {"Bucket": bucket, "Key": key()}))
        made.append(presigned(server, "DELETE", "delete_object", {"Bucket": bucket, "Key": "absent"}))
        made.append(form(server, bucket, key()))
        for mode, crc in (("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", False), ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", True),
                          ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", True)):
            for coding in (False, True):
                made.append(chunks(server, path(key()), mode, [body(), body()], crc, coding))
    return made


def seeded():
    return random.Random(20261128)
