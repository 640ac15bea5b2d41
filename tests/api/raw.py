# SPDX-License-Identifier: Apache-2.0
"""Requests byte by byte: signed like AWS's clients do or wrongly on purpose, sent over a socket as they are."""
import datetime
import hashlib
import hmac
import re
import socket
import urllib.parse

import rig

UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY = hashlib.sha256(b"").hexdigest()


def now(seconds=0):
    return (datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)).strftime("%Y%m%dT%H%M%SZ")


def signing_key(day, region=rig.REGION, service="s3", secret=rig.SECRET):
    key = ("AWS4" + secret).encode()
    for word in (day, region, service, "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def hmac_hex(key, text):
    return hmac.new(key, text.encode("latin-1"), "sha256").hexdigest()


def canonical_query(query, leave_out=()):
    pairs = []
    for part in query.split("&") if query else []:
        k, _, v = part.partition("=")
        k, v = (urllib.parse.quote(urllib.parse.unquote_to_bytes(x.encode("latin-1")), safe="-_.~") for x in (k, v))
        if part and k not in leave_out:
            pairs.append((k, v))
    return "&".join(f"{k}={v}" for k, v in sorted(pairs))


def canonical_path(path):
    """Every byte in the one form that S3 signs; an encoded slash stays one; what is no encoding stays as it is."""
    def one(m):
        byte = bytes.fromhex(m.group()[1:])
        return "%2F" if byte == b"/" else urllib.parse.quote(byte, safe="-_.~")

    path = "".join(c if c == "%" else urllib.parse.quote(c.encode("latin-1"), safe="/-_.~") for c in path)
    return re.sub("%[0-9a-fA-F]{2}", one, path)


def canonical(method, target, headers, names, payload):
    path, _, query = target.partition("?")
    values = {}
    for k, v in headers:
        values.setdefault(k.lower(), []).append(" ".join(v.split()))
    lines = "".join(f"{n}:{','.join(values.get(n, ['']))}\n" for n in names)
    return "\n".join([method, canonical_path(path), canonical_query(query, ("X-Amz-Signature",)), lines, ";".join(names), payload])


class Signature:
    """The Authorization header and what chunk signatures go on from."""

    def __init__(self, method, target, headers, payload, stamp, **how):
        service, region = how.get("service", "s3"), how.get("region", rig.REGION)
        names = how.get("names") or sorted({k.lower() for k, _ in headers if k.lower() not in ("content-length", "transfer-encoding",
                                                                                              "connection", "expect", "user-agent")})
        self.stamp, self.scope = stamp, f"{stamp[:8]}/{region}/{service}/aws4_request"
        self.key = signing_key(stamp[:8], region, service, how.get("secret", rig.SECRET))
        digest = hashlib.sha256(canonical(method, target, headers, names, payload).encode("latin-1")).hexdigest()
        self.seed = hmac_hex(self.key, f"AWS4-HMAC-SHA256\n{stamp}\n{self.scope}\n{digest}")
        self.header = (f"AWS4-HMAC-SHA256 Credential={how.get('access_key', rig.ACCESS_KEY)}/{self.scope}, "
                       f"SignedHeaders={';'.join(names)}, Signature={self.seed}")

    def chunk(self, previous, data):
        return hmac_hex(self.key, "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", self.stamp, self.scope, previous, EMPTY,
                                             hashlib.sha256(data).hexdigest()]))

    def trailer(self, previous, text):
        return hmac_hex(self.key, "\n".join(["AWS4-HMAC-SHA256-TRAILER", self.stamp, self.scope, previous,
                                             hashlib.sha256(text).hexdigest()]))


def signed_chunks(s, pieces, trailer=None):
    """aws-chunked: @pieces and the empty one, each signed; @trailer ("name:value") signed as well."""
    out, previous = b"", s.seed
    for data in [*pieces, b""]:
        previous = s.chunk(previous, data)
        out += f"{len(data):x};chunk-signature={previous}\r\n".encode() + data + (b"\r\n" if data else b"")
    if trailer is not None:
        text = trailer.encode() + b"\n"
        out += trailer.encode() + b"\r\nx-amz-trailer-signature:" + s.trailer(previous, text).encode() + b"\r\n"
    return out + b"\r\n"


def http_chunks(data, size=1000):
    """HTTP's own chunked coding."""
    pieces = [data[i:i + size] for i in range(0, len(data), size)]
    return b"".join(f"{len(p):x}\r\n".encode() + p + b"\r\n" for p in pieces) + b"0\r\n\r\n"


def head(method, target, headers):
    return (f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers) + "\r\n").encode("latin-1")


def request(host, method, target, headers=(), body=b"", payload=None, stamp=None, length=True, sign=True, chunked=False, **how):
    """The bytes of one signed request.  @payload: x-amz-content-sha256, None: the body's; @chunked: as HTTP chunks;
    @body may be a function of the signature (for signed chunks)."""
    stamp = stamp or now()
    made = callable(body)
    if payload is None:
        payload = UNSIGNED if made else hashlib.sha256(body).hexdigest()
    have = {k.lower() for k, _ in headers}
    headers = list(headers)
    for k, v in (("Host", host), ("x-amz-date", stamp), ("x-amz-content-sha256", payload)):
        if k.lower() not in have:
            headers.append((k, v))
    s = Signature(method, target, headers, payload, stamp, **how)
    if made:
        body = body(s)
    if sign:
        headers.append(("Authorization", s.header))
    if chunked:
        headers.append(("Transfer-Encoding", "chunked"))
        body = http_chunks(body)
    elif length and "content-length" not in have and (body or method in ("PUT", "POST")):
        headers.append(("Content-Length", str(len(body))))
    return head(method, target, headers) + body


def presigned(host, method, target, expires="600", stamp=None, names=("host",), more=(), leave_out=(), **how):
    """The target of a presigned URL; @more: further parameters, signed; @leave_out: names of parameters left out."""
    stamp = stamp or now()
    scope = f"{stamp[:8]}/{how.get('region', rig.REGION)}/{how.get('service', 's3')}/aws4_request"
    params = [("X-Amz-Algorithm", how.get("algorithm", "AWS4-HMAC-SHA256")),
              ("X-Amz-Credential", how.get("credential", f"{how.get('access_key', rig.ACCESS_KEY)}/{scope}")), ("X-Amz-Date", stamp),
              ("X-Amz-Expires", expires), ("X-Amz-SignedHeaders", ";".join(names)), *more]
    params = [(k, v) for k, v in params if k not in leave_out]
    query = "&".join(f"{k}={urllib.parse.quote(v, safe='-_.~')}" for k, v in params)
    whole = target + ("&" if "?" in target else "?") + query
    text = canonical(method, whole, [("host", host), *how.get("headers", ())], list(names), how.get("payload", UNSIGNED))
    digest = hashlib.sha256(text.encode("latin-1")).hexdigest()
    sig = hmac_hex(signing_key(stamp[:8], how.get("region", rig.REGION), how.get("service", "s3"), how.get("secret", rig.SECRET)),
                   f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}")
    return whole if "X-Amz-Signature" in leave_out else whole + "&X-Amz-Signature=" + sig


class Gone(Exception):
    """The server has closed the connection without an answer."""


class Wire:
    """One connection; answers are read as HTTP says where they end."""

    def __init__(self, server):
        self.host = server.endpoint.partition("//")[2]
        name, _, port = self.host.rpartition(":")
        self.address = (name, int(port))
        self.sock, self.rest = None, b""

    def open(self):
        if self.sock is None:
            self.sock = socket.create_connection(self.address, 20 * rig.SLOW)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.rest = b""
        return self

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def __enter__(self):
        return self.open()

    def __exit__(self, *why):
        self.close()

    def send(self, data):
        self.open()
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer may be there all the same
        return self

    def shut(self):
        """Nothing more is sent."""
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def _more(self):
        try:
            got = self.sock.recv(1 << 16)
        except ConnectionResetError:
            got = b""
        self.rest += got
        return bool(got)

    def _until(self, mark):
        while mark not in self.rest:
            if not self._more():
                raise Gone(self.rest)
        text, _, self.rest = self.rest.partition(mark)
        return text

    def _exactly(self, n):
        while len(self.rest) < n:
            if not self._more():
                raise Gone(self.rest)
        got, self.rest = self.rest[:n], self.rest[n:]
        return got

    def answer(self, no_body=False):
        """The next answer; the connection is closed here if the server says that it does."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        if status == 100:
            return self.answer(no_body)
        headers = {}
        for line in lines[1:]:
            k, _, v = line.partition(":")
            headers[k.lower()] = v.strip()
        if no_body or status in (204, 304):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                n = int(self._until(b"\r\n"), 16)
                body += self._exactly(n)
                self._until(b"\r\n")
                if n == 0:
                    break
        elif "content-length" in headers:
            body = self._exactly(int(headers["content-length"]))
        else:
            while self._more():
                pass
            body, self.rest = self.rest, b""
        if headers.get("connection", "").lower() == "close":
            self.close()
        return rig.Answer(status, headers, body)

    def ask(self, data, no_body=False):
        return self.send(data).answer(no_body)
