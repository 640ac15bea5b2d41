# SPDX-License-Identifier: Apache-2.0
"""The table of malformed requests: what goes over the wire, and the error of S3 that has to come back.

A row is (name, code, status, how to make the bytes).  Code None: the request is no HTTP that could be read in one way
only; AWS's front end refuses it before S3 sees it, and so do we, with that status and no document of S3; status 0: the
connection is closed without an answer.  Names that end with "?": AWS's code is not known for sure.
In targets and bodies {b} is the bucket, {u} an upload of the key "up" with one part, {o} another bucket.
"""
import base64
import hashlib
import json

import raw

GROUPS = {}
PUT, GET, POST, DELETE = "PUT", "GET", "POST", "DELETE"
SHA = hashlib.sha256(b"hello").hexdigest()


def group(name):
    return GROUPS.setdefault(name, [])


def row(where, name, code, status, method, target, headers=(), body=b"", **how):
    """A request signed correctly over whatever it says."""
    def make(world):
        fill = world.fill
        return raw.request(world.host, method, fill(target), [(k, fill(v)) for k, v in headers],
                           fill(body) if isinstance(body, bytes) else body, **how)
    group(where).append((name, code, status, make))


def wire(where, name, code, status, make):
    """@make(world) gives the bytes."""
    group(where).append((name, code, status, make))


# --- documents ---

LAUGHS = (b'<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">' + b"".join(b'<!ENTITY %c "&%c;&%c;&%c;&%c;">' % (c + 1, c, c, c, c) for c in range(97, 107)) +
          b"]>")
DOCUMENTS = {
    "tagging": (PUT, "/{b}/kept?tagging", b"<Tagging><TagSet><Tag><Key>k</Key><Value>@</Value></Tag></TagSet></Tagging>"),
    "delete": (POST, "/{b}?delete", b"<Delete><Object><Key>@</Key></Object></Delete>"),
    "complete": (POST, "/{b}/up?uploadId={u}", b'<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>@</ETag></Part></CompleteMultipartUpload>'),
    "versioning": (PUT, "/{b}?versioning", b"<VersioningConfiguration><Status>@</Status></VersioningConfiguration>"),
    "cors": (PUT, "/{b}?cors", b"<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>@</AllowedOrigin></CORSRule></CORSConfiguration>"),
    "notification": (PUT, "/{b}?notification", b"<NotificationConfiguration><EventBridgeConfiguration>@</EventBridgeConfiguration></NotificationConfiguration>"),
}
BROKEN = [
    ("text", lambda d: b"hello"),
    ("one sign", lambda d: b"<"),
    ("cut", lambda d: d[:-3]),
    ("closed wrongly", lambda d: d[:-2] + b"x>"),
    ("two roots", lambda d: d + d),
    ("text behind", lambda d: d + b"x"),
    ("other root", lambda d: b"<Other></Other>"),
    ("DOCTYPE", lambda d: b"<!DOCTYPE x>" + d),
    ("internal entity", lambda d: b'<!DOCTYPE x [<!ENTITY e "Enabled">]>' + d.replace(b"@", b"&e;")),
    ("external entity", lambda d: b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + d.replace(b"@", b"&e;")),
    ("parameter entity", lambda d: b'<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1:1/x"> %e;]>' + d),
    ("billion laughs", lambda d: LAUGHS + d.replace(b"@", b"&k;")),
    ("entity nobody knows", lambda d: d.replace(b"@", b"&nbsp;")),
    ("character 0", lambda d: d.replace(b"@", b"&#0;")),
    ("NUL", lambda d: d.replace(b"@", b"\0")),
    ("bad UTF-8", lambda d: d.replace(b"@", b"\xff\xfe")),
    ("half an attribute", lambda d: d.replace(b">", b" a=>", 1)),
    ("attribute twice", lambda d: d.replace(b">", b' a="1" a="2">', 1)),
    ("CDATA without end", lambda d: d.replace(b"@", b"<![CDATA[x")),
    ("comment without end", lambda d: b"<!-- " + d),
    ("processing instruction", lambda d: b'<?xml-stylesheet href="x"?>' + d),
    ("a thousand deep", lambda d: d.replace(b"@", b"<a>" * 1000 + b"</a>" * 1000)),
]
for kind, (method, target, good) in DOCUMENTS.items():
    for what, change in BROKEN:
        row("XML " + kind, what, "MalformedXML", 400, method, target, body=change(good))

row("documents", "no tags", "MalformedXML", 400, PUT, "/{b}/kept?tagging", body=b"<Tagging></Tagging>")
row("documents", "no body", "MalformedXML", 400, PUT, "/{b}/kept?tagging")
row("documents", "a tag without key", "MalformedXML", 400, PUT, "/{b}/kept?tagging",
    body=b"<Tagging><TagSet><Tag><Value>v</Value></Tag></TagSet></Tagging>")
row("documents", "nothing to delete", "MalformedXML", 400, POST, "/{b}?delete", body=b"<Delete></Delete>")
row("documents", "1,001 keys", "MalformedXML", 400, POST, "/{b}?delete", body=b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>")
row("documents", "quiet of what", "MalformedXML", 400, POST, "/{b}?delete",
    body=b"<Delete><Quiet>maybe</Quiet><Object><Key>k</Key></Object></Delete>")
row("documents", "10,001 parts", "MalformedXML", 400, POST, "/{b}/up?uploadId={u}",
    body=b"<CompleteMultipartUpload>" + b"".join(b"<Part><PartNumber>%d</PartNumber><ETag>x</ETag></Part>" % i for i in range(1, 10002)) +
    b"</CompleteMultipartUpload>")
row("documents", "no parts", "MalformedXML", 400, POST, "/{b}/up?uploadId={u}", body=b"<CompleteMultipartUpload></CompleteMultipartUpload>")
row("documents", "no document", "MalformedXML", 400, POST, "/{b}/up?uploadId={u}")
row("documents", "part of no number", "MalformedXML", 400, POST, "/{b}/up?uploadId={u}",
    body=b"<CompleteMultipartUpload><Part><PartNumber>one</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>")
row("documents", "part without number", "MalformedXML", 400, POST, "/{b}/up?uploadId={u}",
    body=b"<CompleteMultipartUpload><Part><ETag>x</ETag></Part></CompleteMultipartUpload>")
row("documents", "part that is not there", "InvalidPart", 400, POST, "/{b}/up?uploadId={u}",
    body=b'<CompleteMultipartUpload><Part><PartNumber>7</PartNumber><ETag>"x"</ETag></Part></CompleteMultipartUpload>')
row("documents", "part of another ETag", "InvalidPart", 400, POST, "/{b}/up?uploadId={u}",
    body=b'<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"x"</ETag></Part></CompleteMultipartUpload>')
row("documents", "parts out of order", "InvalidPartOrder", 400, POST, "/{b}/up?uploadId={u}",
    body=b'<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>"x"</ETag></Part><Part><PartNumber>1</PartNumber><ETag>"x"</ETag></Part></CompleteMultipartUpload>')
row("documents", "part twice", "InvalidPartOrder", 400, POST, "/{b}/up?uploadId={u}",
    body=b'<CompleteMultipartUpload>' + b'<Part><PartNumber>1</PartNumber><ETag>"x"</ETag></Part>' * 2 + b'</CompleteMultipartUpload>')
row("documents", "versioning of another word", "MalformedXML", 400, PUT, "/{b}?versioning",
    body=b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>")
row("documents", "bucket of another region", "IllegalLocationConstraintException", 400, PUT, "/" + "new-bucket-of-the-table",
    body=b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>")
row("documents", "nine MiB", "EntityTooLarge", 400, PUT, "/{b}/kept?tagging", body=b" " * (9 << 20))

# --- dates and credentials ---

for stamp in ("", "now", "20260230T000000Z", "2026-11-28T00:00:00Z", "20261128T000000", "20261128T250000Z", "99999999T999999Z", "-0261128T000000Z"):
    wire("dates", f"x-amz-date {stamp!r}", "AuthorizationHeaderMalformed", 400, lambda w, s=stamp: raw.request(
        w.host, GET, w.fill("/{b}/kept"), [("x-amz-date", s)], stamp=raw.now()))
for hours, code in ((-1, "RequestTimeTooSkewed"), (1, "RequestTimeTooSkewed"), (-24 * 365 * 30, "RequestTimeTooSkewed")):
    wire("dates", f"{hours} h away", code, 403, lambda w, h=hours: raw.request(w.host, GET, w.fill("/{b}/kept"), stamp=raw.now(3600 * h)))
wire("dates", "scope of yesterday", "AuthorizationHeaderMalformed", 400, lambda w: raw.request(
    w.host, GET, w.fill("/{b}/kept"), [("x-amz-date", raw.now())], stamp=raw.now(-86400)))


def authorization(text):
    def make(w):
        stamp = raw.now()
        return raw.head(GET, w.fill("/{b}/kept"), [("Host", w.host), ("x-amz-date", stamp), ("x-amz-content-sha256", raw.EMPTY),
                                                   ("Authorization", text.replace("DAY", stamp[:8]))])
    return make


CREDENTIAL = "Credential=AKIATESTTESTTESTTEST/DAY/ap-northeast-2/s3/aws4_request"
NAMES = "SignedHeaders=host;x-amz-content-sha256;x-amz-date"
SIGNED = "Signature=" + "0" * 64
for text, code, status in (
        ("", "AuthorizationHeaderMalformed", 400), ("Basic dTpw", "AuthorizationHeaderMalformed", 400),
        ("Bearer x", "AuthorizationHeaderMalformed", 400), ("AWS4-HMAC-SHA256", "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA1 " + ", ".join((CREDENTIAL, NAMES, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-ECDSA-P256-SHA256 " + ", ".join((CREDENTIAL, NAMES, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, NAMES)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((NAMES, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, CREDENTIAL, NAMES, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, NAMES, SIGNED, "x=y")), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + " ".join((CREDENTIAL, NAMES, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL[:-13], NAMES, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL + "/x", NAMES, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL.replace("DAY", "today"), NAMES, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL.replace("AKIATESTTESTTESTTEST", ""), NAMES, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL.replace("ap-northeast-2", "mars-1"), NAMES, SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, "SignedHeaders=", SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, "SignedHeaders=x-amz-date;host;x-amz-content-sha256", SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, "SignedHeaders=Host;X-Amz-Date", SIGNED)), "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, "SignedHeaders=x-amz-date", SIGNED)), "AccessDenied", 403),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, "SignedHeaders=host", SIGNED)), "AccessDenied", 403),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, "SignedHeaders=absent;host;x-amz-date", SIGNED)), "SignatureDoesNotMatch", 403),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, NAMES, SIGNED)), "SignatureDoesNotMatch", 403),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, NAMES, SIGNED + "0")), "SignatureDoesNotMatch", 403),
        ("AWS4-HMAC-SHA256 " + ", ".join((CREDENTIAL, NAMES, "Signature=")), "SignatureDoesNotMatch", 403),
        ("AWS AKIATESTTESTTESTTEST:c2ln", "InvalidRequest", 400)):
    wire("Authorization", f"{len(GROUPS.get('Authorization', ()))}: {text}", code, status, authorization(text))

for what, how, code, status in (
        ("expires 0", {"expires": "0"}, "AuthorizationQueryParametersError", 400),
        ("expires -1", {"expires": "-1"}, "AuthorizationQueryParametersError", 400),
        ("expires 604801", {"expires": "604801"}, "AuthorizationQueryParametersError", 400),
        ("expires soon", {"expires": "soon"}, "AuthorizationQueryParametersError", 400),
        ("expires 2^64", {"expires": "18446744073709551616"}, "AuthorizationQueryParametersError", 400),
        ("no algorithm", {"leave_out": ("X-Amz-Algorithm",)}, "AuthorizationQueryParametersError", 400),
        ("no credential", {"leave_out": ("X-Amz-Credential",)}, "AuthorizationQueryParametersError", 400),
        ("no date", {"leave_out": ("X-Amz-Date",)}, "AuthorizationQueryParametersError", 400),
        ("no expires", {"leave_out": ("X-Amz-Expires",)}, "AuthorizationQueryParametersError", 400),
        ("no signed headers", {"leave_out": ("X-Amz-SignedHeaders",)}, "AuthorizationQueryParametersError", 400),
        ("no signature", {"leave_out": ("X-Amz-Signature",)}, "AuthorizationQueryParametersError", 400),
        ("other algorithm", {"algorithm": "AWS4-HMAC-SHA512"}, "AuthorizationQueryParametersError", 400),
        ("short credential", {"credential": "AKIA/x"}, "AuthorizationQueryParametersError", 400),
        ("other region", {"region": "mars-1"}, "AuthorizationQueryParametersError", 400),
        ("date", {"stamp": "20260230T000000Z"}, "AuthorizationQueryParametersError", 400),
        ("of tomorrow", {"stamp": raw.now(86400)}, "AccessDenied", 403),
        ("of last week", {"stamp": raw.now(-700000)}, "AccessDenied", 403),
        ("host not signed", {"names": ("x-amz-date",)}, "AccessDenied", 403),
        ("expires twice", {"more": (("X-Amz-Expires", "601"),)}, "InvalidArgument", 400),
        ("signature twice", {"more": (("X-Amz-Signature", "0"),)}, "InvalidArgument", 400),
        ("token of nobody", {"more": (("X-Amz-Security-Token", "x"),)}, "InvalidToken", 400),
        ("signed chunks", {"more": (("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),), "payload": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
         "InvalidRequest", 400)):
    wire("presigned", what, code, status, lambda w, h=how: raw.head(GET, raw.presigned(w.host, GET, w.fill("/{b}/kept"), **h), [("Host", w.host)]))

# --- payloads and digests ---

for text in ("", "sha256", "UNSIGNED", "unsigned-payload", "e3b0c442", SHA[:-1], SHA + "0", SHA[:-1] + "g", "STREAMING-AWS4-HMAC-SHA256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"):
    row("payloads", f"x-amz-content-sha256 {text!r}", "InvalidRequest", 400, PUT, "/{b}/new", [("x-amz-content-sha256", text)], b"hello", payload=text)
row("payloads", "of another body", "XAmzContentSHA256Mismatch", 400, PUT, "/{b}/new", body=b"hellO", payload=SHA)
for text in ("", "x", "====", "XUFAKrxLKna5cZ2REBfFkh==", base64.b64encode(b"15 bytes exactl").decode(), base64.b64encode(b"x" * 17).decode(), "5d41402abc4b2a76b9719d911017c592"):
    row("digests", f"Content-MD5 {text!r}", "InvalidDigest", 400, PUT, "/{b}/new", [("Content-MD5", text)], b"hello")
row("digests", "Content-MD5 of another body", "BadDigest", 400, PUT, "/{b}/new", [("Content-MD5", base64.b64encode(hashlib.md5(b"x").digest()).decode())], b"hello")
row("digests", "Content-MD5 of another document", "BadDigest", 400, PUT, "/{b}/kept?tagging",
    [("Content-MD5", base64.b64encode(hashlib.md5(b"x").digest()).decode())], DOCUMENTS["tagging"][2])
for name, size in (("crc32", 4), ("crc32c", 4), ("crc64nvme", 8), ("sha1", 20), ("sha256", 32)):
    right = base64.b64encode(b"\1" * size).decode()
    for text, code in (("!", "InvalidRequest"), (right[:-1], "InvalidRequest"), (base64.b64encode(b"\1" * (size + 1)).decode(), "InvalidRequest"), (right, "BadDigest")):
        row("digests", f"x-amz-checksum-{name} {text!r}", code, 400, PUT, "/{b}/new", [("x-amz-checksum-" + name, text)], b"hello")
row("digests", "two checksums", "InvalidRequest", 400, PUT, "/{b}/new", [("x-amz-checksum-crc32", "NhCmhg=="), ("x-amz-checksum-crc32c", "mnG7TA==")], b"hello")
row("digests", "algorithm of another checksum?", "InvalidRequest", 400, PUT, "/{b}/new",
    [("x-amz-sdk-checksum-algorithm", "SHA256"), ("x-amz-checksum-crc32", "NhCmhg==")], b"hello")
row("digests", "algorithm nobody knows", "InvalidRequest", 400, PUT, "/{b}/new", [("x-amz-sdk-checksum-algorithm", "CRC16")], b"hello")

CHUNKED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
TRAILED = CHUNKED + "-TRAILER"
PLAIN = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def chunked(name, code, status, mode, body, length="5", headers=(), where="aws-chunked"):
    more = [("x-amz-decoded-content-length", length)] if length is not None else []
    row(where, name, code, status, PUT, "/{b}/new", [("Content-Encoding", "aws-chunked"), *more, *headers],
        body if callable(body) else (lambda s, b=body: b), payload=mode)


def good(s):
    return raw.signed_chunks(s, [b"hello"])


chunked("no decoded length", "MissingContentLength", 411, CHUNKED, good, None)
chunked("decoded length of a word", "InvalidArgument", 400, CHUNKED, good, "five")
chunked("decoded length -1", "InvalidArgument", 400, CHUNKED, good, "-1")
chunked("decoded length too small", "IncompleteBody", 400, CHUNKED, good, "4")
chunked("decoded length too large", "IncompleteBody", 400, CHUNKED, good, "6")
chunked("plain bytes?", "IncompleteBody", 400, CHUNKED, b"hello")
chunked("no bytes", "IncompleteBody", 400, CHUNKED, b"")
chunked("no signature", "InvalidChunkSizeError", 400, CHUNKED, b"5\r\nhello\r\n0\r\n\r\n")
chunked("short signature", "InvalidChunkSizeError", 400, CHUNKED, b"5;chunk-signature=00\r\nhello\r\n")
chunked("other extension", "InvalidChunkSizeError", 400, CHUNKED, lambda s: good(s).replace(b"chunk-signature", b"chunk-signatura"))
chunked("capital signature", "InvalidChunkSizeError", 400, CHUNKED, b"5;chunk-signature=" + b"A" * 64 + b"\r\nhello\r\n")
chunked("wrong signature", "SignatureDoesNotMatch", 403, CHUNKED, b"5;chunk-signature=" + b"a" * 64 + b"\r\nhello\r\n0;chunk-signature=" + b"a" * 64 + b"\r\n\r\n")
chunked("other bytes", "SignatureDoesNotMatch", 403, CHUNKED, lambda s: good(s).replace(b"hello", b"hellO"))
chunked("wrong last signature", "SignatureDoesNotMatch", 403, CHUNKED, lambda s: good(s)[:-68] + b"0" * 64 + b"\r\n\r\n")
chunked("no last chunk", "IncompleteBody", 400, CHUNKED, lambda s: good(s)[:good(s).index(b"0;chunk")])
chunked("cut in a chunk", "IncompleteBody", 400, CHUNKED, lambda s: good(s)[:90])
chunked("no last line", "IncompleteBody", 400, CHUNKED, lambda s: good(s)[:-2])
chunked("bytes behind", "InvalidChunkSizeError", 400, CHUNKED, lambda s: good(s) + b"x")
chunked("nine digits", "InvalidChunkSizeError", 400, CHUNKED, lambda s: b"00000000" + good(s))
chunked("size -5", "InvalidChunkSizeError", 400, CHUNKED, lambda s: b"-" + good(s))
chunked("size 0x5", "InvalidChunkSizeError", 400, CHUNKED, lambda s: b"0x" + good(s))
chunked("size ffffffff", "InvalidChunkSizeError", 400, CHUNKED, lambda s: b"fffffff" + good(s))
chunked("size of letters", "InvalidChunkSizeError", 400, CHUNKED, lambda s: b"g" + good(s)[1:])
chunked("line feeds", "InvalidChunkSizeError", 400, CHUNKED, lambda s: good(s).replace(b"\r\n", b"\n"))
chunked("a line without end", "InvalidChunkSizeError", 400, CHUNKED, b"5" * 3000)
chunked("chunk longer than it says", "InvalidChunkSizeError", 400, PLAIN, b"4\r\nhello\r\n0\r\n\r\n")
chunked("trailer nobody announced", "MalformedTrailerError", 400, PLAIN, b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n")
TRAILER = [("x-amz-trailer", "x-amz-checksum-crc32")]
chunked("trailer that is not there", "MalformedTrailerError", 400, PLAIN, b"5\r\nhello\r\n0\r\n\r\n", headers=TRAILER)
chunked("trailer twice", "MalformedTrailerError", 400, PLAIN, b"5\r\nhello\r\n0\r\n" + b"x-amz-checksum-crc32:NhCmhg==\r\n" * 2 + b"\r\n", headers=TRAILER)
chunked("trailer without colon", "MalformedTrailerError", 400, PLAIN, b"5\r\nhello\r\n0\r\nx\r\n\r\n", headers=TRAILER)
chunked("trailer of another body", "BadDigest", 400, PLAIN, b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", headers=TRAILER)
chunked("trailer of another kind", "InvalidRequest", 400, PLAIN, b"5\r\nhello\r\n0\r\nx-amz-meta-a:1\r\n\r\n", headers=[("x-amz-trailer", "x-amz-meta-a")])
chunked("trailer without a mode for it", "InvalidRequest", 400, CHUNKED, good, headers=TRAILER)
chunked("trailer that is not signed", "SignatureDoesNotMatch", 403, TRAILED,
        lambda s: raw.signed_chunks(s, [b"hello"])[:-2] + b"x-amz-checksum-crc32:NhCmhg==\r\n\r\n", headers=TRAILER)
chunked("trailer changed", "SignatureDoesNotMatch", 403, TRAILED,
        lambda s: raw.signed_chunks(s, [b"hello"], "x-amz-checksum-crc32:NhCmhg==").replace(b"NhCm", b"NhCn"), headers=TRAILER)

# --- names ---

for what, target, code, status in (
        ("%00 in a key", "/{b}/a%00b", "InvalidURI", 400), ("%00 alone", "/{b}/%00", "InvalidURI", 400),
        ("key of bad UTF-8", "/{b}/%ff", "InvalidURI", 400), ("key of an overlong dot", "/{b}/%c0%ae", "InvalidURI", 400),
        ("key of a surrogate", "/{b}/%ed%a0%80", "InvalidURI", 400),
        ("key of 1,025 bytes", "/{b}/" + "k" * 1025, "KeyTooLongError", 400), ("key of 1,026 bytes of two", "/{b}/" + "%c3%a4" * 513, "KeyTooLongError", 400),
        ("%00 in a bucket", "/a%00b/k", "InvalidURI", 400)):
    row("names", what, code, status, PUT, target, body=b"hello")
for target in ("/{b}/a%", "/{b}/a%2", "/{b}/a%zz", "/%zz/k", "/{b}/k?a=%zz"):
    row("names", "broken " + target, "AuthorizationHeaderMalformed", 400, PUT, target, body=b"hello")
for target in ("/{b}/../{o}/kept", "/{b}/%2e%2e/{o}/kept", "/{b}/..%2f{o}/kept", "/{b}/.%2e/kept", "/{b}//kept", "/{b}/./kept", "/{b}/kept/", "/{b}/kept%20", "/{b}/%6b%65%70%74%00"):
    row("names", "another key " + target, "InvalidURI" if "%00" in target else "NoSuchKey", 400 if "%00" in target else 404, GET, target)
for name in ("A" * 5, "ab", "a" * 64, "a..b", "-ab", "ab-", "a_b", "192.168.0.1", "xn--b", "b-s3alias", "a%2fb", "a%20b", "%c3%a4bc", "..", "..%2f..%2fetc"):
    row("names", "bucket " + name[:20], "InvalidBucketName", 400, PUT, "/" + name)

# --- queries ---

for what, target, code, status in (
        ("max-keys -1", "/{b}?list-type=2&max-keys=-1", "InvalidArgument", 400), ("max-keys abc", "/{b}?max-keys=abc", "InvalidArgument", 400),
        ("max-keys 1e3", "/{b}?max-keys=1e3", "InvalidArgument", 400), ("max-keys 2^64", "/{b}?max-keys=18446744073709551616", "InvalidArgument", 400),
        ("max-keys 1.5", "/{b}?list-type=2&max-keys=1.5", "InvalidArgument", 400), ("max-keys of nothing", "/{b}?max-keys=", None, 200),
        ("encoding nobody knows", "/{b}?encoding-type=utf-16", "InvalidArgument", 400), ("encoding of nothing", "/{b}?encoding-type=", "InvalidArgument", 400),
        ("token of nobody", "/{b}?list-type=2&continuation-token=x", "InvalidArgument", 400),
        ("NUL in a prefix", "/{b}?prefix=%00", "InvalidArgument", 400), ("bad UTF-8 in a prefix", "/{b}?prefix=%ff", "InvalidArgument", 400),
        ("owner of a word", "/{b}?list-type=2&fetch-owner=yes", "InvalidArgument", 400),
        ("max-uploads -1", "/{b}?uploads&max-uploads=-1", "InvalidArgument", 400), ("max-uploads x", "/{b}?uploads&max-uploads=x", "InvalidArgument", 400),
        ("max-parts -1", "/{b}/up?uploadId={u}&max-parts=-1", "InvalidArgument", 400), ("max-parts x", "/{b}/up?uploadId={u}&max-parts=x", "InvalidArgument", 400),
        ("part-number-marker -1", "/{b}/up?uploadId={u}&part-number-marker=-1", "InvalidArgument", 400),
        ("part 0", "/{b}/kept?partNumber=0", "InvalidArgument", 400), ("part 10001", "/{b}/kept?partNumber=10001", "InvalidArgument", 400),
        ("part x", "/{b}/kept?partNumber=x", "InvalidArgument", 400), ("part 2 of one", "/{b}/kept?partNumber=2", "InvalidPartNumber", 416),
        ("parameter nobody knows", "/{b}/kept?coffee", "NotImplemented", 501), ("two that select", "/{b}?tagging&coffee", "NotImplemented", 501),
        ("upload of nobody", "/{b}/up?uploadId=x", "NoSuchUpload", 404), ("upload of another key", "/{b}/kept?uploadId={u}", "NoSuchUpload", 404),
        ("upload of nothing", "/{b}/up?uploadId=", "NoSuchUpload", 404),
        ("upload of a path", "/{b}/up?uploadId=..%2F..%2Fetc", "NoSuchUpload", 404),
        ("version of nobody", "/{b}/kept?versionId=x", "InvalidArgument", 400), ("version of nothing", "/{b}/kept?versionId=", "InvalidArgument", 400),
        ("override that no header holds", "/{b}/kept?response-content-type=a%0d%0aX:1", "InvalidArgument", 400),
        ("date to override with", "/{b}/kept?response-expires=never", "InvalidArgument", 400)):
    if code:
        row("queries", what, code, status, GET, target)
for n in ("0", "-1", "10001", "x", "", "1.5", "4294967297", "99999999999999999999"):
    row("queries", f"partNumber {n!r}", "InvalidArgument", 400, PUT, "/{b}/up?uploadId={u}&partNumber=" + n, body=b"hello")
row("queries", "part without upload?", "NotImplemented", 501, PUT, "/{b}/up?partNumber=1", body=b"hello")
row("queries", "part of no upload", "NoSuchUpload", 404, PUT, "/{b}/up?partNumber=1&uploadId=x", body=b"hello")
row("queries", "300 parameters?", "AuthorizationHeaderMalformed", 400, GET, "/{b}?" + "&".join(f"a{i}" for i in range(300)))
for method in ("PATCH", "TRACE", "PROPFIND", "LOCK", "get", "Get", "X" * 100):
    row("queries", "method " + method[:10], "MethodNotAllowed", 405, method, "/{b}/kept")
row("queries", "POST to a bucket", "MethodNotAllowed", 405, POST, "/{b}", body=b"hello")
row("queries", "POST to an object", "MethodNotAllowed", 405, POST, "/{b}/kept", body=b"hello")
row("queries", "PUT to the service", "MethodNotAllowed", 405, PUT, "/", body=b"hello")

# --- headers of objects ---

for what, headers, code, status in (
        ("range behind the end", [("Range", "bytes=1000-")], "InvalidRange", 416), ("the last 0 bytes", [("Range", "bytes=-0")], "InvalidRange", 416),
        ("date that is none", [("If-Modified-Since", "yesterday")], None, 200), ("owner of another account", [("x-amz-expected-bucket-owner", "111111111111")], "AccessDenied", 403),
        ("payer of a word", [("x-amz-request-payer", "you")], "InvalidArgument", 400), ("checksum mode", [("x-amz-checksum-mode", "ON")], "InvalidArgument", 400),
        ("header nobody knows", [("x-amz-coffee", "1")], "NotImplemented", 501),
        ("encryption of what is read", [("x-amz-server-side-encryption", "AES256")], "InvalidArgument", 400)):
    if code:
        row("headers", what, code, status, GET, "/{b}/kept", headers)
for what, headers, code, status in (
        ("ACL of a word", [("x-amz-acl", "mine")], "InvalidArgument", 400), ("storage class of a word", [("x-amz-storage-class", "CHEAP")], "InvalidStorageClass", 400),
        ("tags of bad encoding", [("x-amz-tagging", "a=%zz")], "InvalidArgument", 400), ("eleven tags", [("x-amz-tagging", "&".join(f"k{i}=v" for i in range(11)))], "BadRequest", 400),
        ("a tag twice", [("x-amz-tagging", "a=1&a=2")], "InvalidTag", 400), ("a tag of 129", [("x-amz-tagging", "k" * 129 + "=v")], "InvalidTag", 400),
        ("a tag of AWS's", [("x-amz-tagging", "aws:x=1")], "InvalidTag", 400), ("a tag without name", [("x-amz-tagging", "=v")], "InvalidTag", 400),
        ("a control in a tag", [("x-amz-tagging", "a=%01")], "InvalidTag", 400), ("NUL in a tag", [("x-amz-tagging", "a=%00")], "InvalidArgument", 400),
        ("2,049 bytes of metadata", [("x-amz-meta-a", "x" * 2048)], "MetadataTooLarge", 400),
        ("metadata of bad UTF-8?", [("x-amz-meta-a", "\xff\xfe")], "InvalidArgument", 400),
        ("name of metadata that no header holds?", [("x-amz-meta-", "x")], "InvalidArgument", 400),
        ("if this, not that", [("If-Match", '"x"'), ("If-None-Match", "*")], "NotImplemented", 501),
        ("if it were this", [("If-Match", '"x"')], "NoSuchKey", 404),
        ("lock without a date", [("x-amz-object-lock-mode", "GOVERNANCE")], None, 0),
        ("encryption of no method", [("x-amz-server-side-encryption", "rot13")], "InvalidArgument", 400)):
    if code:
        row("headers", what, code, status, PUT, "/{b}/new", headers, b"hello")
for text, code, status in (
        ("", "InvalidArgument", 400), ("/", "InvalidArgument", 400), ("{b}", "InvalidArgument", 400), ("{b}/", "InvalidArgument", 400), ("/{b}/", "InvalidArgument", 400),
        ("//kept", "InvalidArgument", 400), ("{b}/%zz", "InvalidArgument", 400), ("{b}/a%00", "InvalidArgument", 400), ("{b}/%ff", "InvalidArgument", 400), ("{b}/" + "k" * 1025, "KeyTooLongError", 400),
        ("{b}/absent", "NoSuchKey", 404), ("no-such-bucket-here/k", "NoSuchBucket", 404), ("{b}/kept?versionId=x", "InvalidArgument", 400),
        ("{b}/kept?versionId=", "InvalidArgument", 400), ("{b}/../{o}/kept", "NoSuchKey", 404)):
    row("copies", f"from {text[:40]!r}", code, status, PUT, "/{b}/new", [("x-amz-copy-source", text)])
for what, headers, code, status in (
        ("onto itself", [("x-amz-copy-source", "{b}/kept")], "InvalidRequest", 400),
        ("metadata directive", [("x-amz-copy-source", "{b}/kept"), ("x-amz-metadata-directive", "KEEP")], "InvalidArgument", 400),
        ("tagging directive", [("x-amz-copy-source", "{b}/kept"), ("x-amz-tagging-directive", "KEEP")], "InvalidArgument", 400),
        ("if it were this", [("x-amz-copy-source", "{b}/kept"), ("x-amz-copy-source-if-match", '"x"')], "PreconditionFailed", 412),
        ("if since a word", [("x-amz-copy-source", "{b}/kept"), ("x-amz-copy-source-if-modified-since", "yesterday")], "InvalidArgument", 400)):
    row("copies", what, code, status, PUT, "/{b}/kept" if what == "onto itself" else "/{b}/new", headers)
for text, code, status in (("bytes=5-2", "InvalidArgument", 400), ("0-5", "InvalidArgument", 400), ("bytes=-5", "InvalidArgument", 400), ("bytes=0-", "InvalidArgument", 400),
                           ("bytes=x-y", "InvalidArgument", 400), ("bytes=0-1,3-4", "InvalidArgument", 400), ("bytes=0-99999", "InvalidArgument", 400), ("", "InvalidArgument", 400)):
    row("copies", f"range {text!r}", code, status, PUT, "/{b}/up?uploadId={u}&partNumber=2", [("x-amz-copy-source", "{b}/kept"), ("x-amz-copy-source-range", text)])

# --- given twice ---


def twice(data, name):
    start = data.index(b"\r\n" + name) + 2
    line_of = data[start:data.index(b"\r\n", start) + 2]
    return data.replace(line_of, line_of * 2)


for name, value in (("x-amz-date", raw.now()), ("x-amz-content-sha256", raw.UNSIGNED), ("Content-Type", "a/b"), ("Content-MD5", "XUFAKrxLKna5cZ2REBfFkg=="),
                    ("x-amz-security-token", "x"), ("x-amz-decoded-content-length", "5"), ("Date", "Sat, 28 Nov 2026 00:00:00 GMT"), ("x-amz-trailer", "x-amz-checksum-crc32"), ("x-amz-target", "x")):
    wire("twice", name, "InvalidArgument", 400, lambda w, n=name, v=value: raw.request(
        w.host, PUT, w.fill("/{b}/new"), [(n, v), (n, v)], b"hello", payload=raw.UNSIGNED))
for name in ("x-amz-acl", "If-Match", "Cache-Control", "x-amz-checksum-crc32"):
    wire("twice", name + "?", "InvalidArgument", 400, lambda w, n=name: raw.request(w.host, PUT, w.fill("/{b}/new"), [(n, "1"), (n, "2")], b"hello"))
wire("twice", "Authorization", "InvalidArgument", 400, lambda w: twice(raw.request(w.host, PUT, w.fill("/{b}/new"), body=b"hello"), b"Authorization"))
wire("twice", "header and query", "InvalidArgument", 400, lambda w: raw.request(w.host, GET, raw.presigned(w.host, GET, w.fill("/{b}/kept"))))
wire("twice", "token of header and query", "InvalidArgument", 400, lambda w: raw.head(GET, raw.presigned(
    w.host, GET, w.fill("/{b}/kept"), more=(("X-Amz-Security-Token", "x"),)), [("Host", w.host), ("x-amz-security-token", "y")]))

# --- HTTP itself ---


def spoilt(name, status, change, code=None):
    """A good PUT whose bytes were changed behind the signature."""
    wire("HTTP", name, code, status, lambda w: change(raw.request(w.host, PUT, w.fill("/{b}/new"), body=b"hello", payload=SHA)))


def line(text):
    return lambda b: b.replace(b"Content-Length: 5\r\n", text)


spoilt("length with a coding", 400, line(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"))
spoilt("coding with a length", 400, line(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"))
spoilt("two lengths", 400, line(b"Content-Length: 5\r\nContent-Length: 6\r\n"))
spoilt("one length twice", 400, line(b"Content-Length: 5\r\nContent-Length: 5\r\n"))
spoilt("lengths in a list", 400, line(b"Content-Length: 5, 5\r\n"))
spoilt("length -5", 400, line(b"Content-Length: -5\r\n"))
spoilt("length +5", 400, line(b"Content-Length: +5\r\n"))
spoilt("length 0x5", 400, line(b"Content-Length: 0x5\r\n"))
spoilt("length of a word", 400, line(b"Content-Length: five\r\n"))
spoilt("length of nothing", 400, line(b"Content-Length:\r\n"))
spoilt("length 2^64", 413, line(b"Content-Length: 18446744073709551616\r\n"))
spoilt("length 2^63", 413, line(b"Content-Length: 9223372036854775808\r\n"))
spoilt("coding gzip", 501, line(b"Transfer-Encoding: gzip\r\n"))
spoilt("coding twice", 501, line(b"Transfer-Encoding: chunked, chunked\r\n"))
spoilt("codings", 400, line(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"))
spoilt("coding of another spelling", 501, line(b"Transfer-Encoding: xchunked\r\n"))
spoilt("coding with a control", 400, line(b"Transfer-Encoding: \x0bchunked\r\n"))
spoilt("bare line feed", 400, line(b"Content-Length: 5\n"))
spoilt("bare carriage return", 400, line(b"X: a\rb\r\nContent-Length: 5\r\n"))
spoilt("folded line", 400, line(b"X: a\r\n b\r\nContent-Length: 5\r\n"))
spoilt("NUL in a value", 400, line(b"X: a\0b\r\nContent-Length: 5\r\n"))
spoilt("control in a value", 400, line(b"X: a\x01b\r\nContent-Length: 5\r\n"))
spoilt("space before the colon", 400, line(b"Content-Length : 5\r\n"))
spoilt("line without colon", 400, line(b"X\r\nContent-Length: 5\r\n"))
spoilt("name of nothing", 400, line(b": x\r\nContent-Length: 5\r\n"))
spoilt("name with a space", 400, line(b"X Y: x\r\nContent-Length: 5\r\n"))
spoilt("101 headers", 431, line(b"".join(b"X%d: x\r\n" % i for i in range(100)) + b"Content-Length: 5\r\n"))
spoilt("header of 17 KiB", 431, line(b"X: " + b"x" * 17000 + b"\r\nContent-Length: 5\r\n"))
spoilt("header of 60 KiB", 431, line(b"X: " + b"x" * 60000 + b"\r\nContent-Length: 5\r\n"))
spoilt("two hosts", 400, line(b"Host: other\r\nContent-Length: 5\r\n"))
spoilt("no host", 400, lambda b: b.replace(b"Host:", b"Hast:"))
spoilt("no version", 400, lambda b: b.replace(b" HTTP/1.1", b"", 1))
spoilt("space in the target", 0, lambda b: b.replace(b"/new ", b"/n ew ", 1))
spoilt("target with a host", 400, lambda b: b.replace(b"PUT /", b"PUT http://x/", 1))
spoilt("target without a slash", 400, lambda b: b.replace(b"PUT /", b"PUT ", 1))
spoilt("method of nothing", 400, lambda b: b[4:])
spoilt("method with a bracket", 400, lambda b: b.replace(b"PUT", b"P(T", 1))
spoilt("target of 20 KiB", 431, lambda b: b.replace(b"/new", b"/new" + b"x" * 20000, 1))
spoilt("changed method", 403, lambda b: b.replace(b"PUT", b"GET", 1), "SignatureDoesNotMatch")
wire("HTTP", "aws-chunked bytes first", None, 0, lambda w: b"5;chunk-signature=" + b"0" * 64 + b"\r\nhello\r\n\r\n\r\n")
wire("HTTP", "bytes of TLS", None, 0, lambda w: bytes.fromhex("16030100a5010000a10303") + b"\r\n\r\n" * 4)
wire("HTTP", "preface of HTTP/2", None, 505, lambda w: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
for what, body in (("size of letters", b"xyz\r\nhello\r\n0\r\n\r\n"), ("size -5", b"-5\r\nhello\r\n0\r\n\r\n"), ("size of nothing", b"\r\nhello\r\n0\r\n\r\n"),
                   ("longer than it says", b"3\r\nhello\r\n0\r\n\r\n"),
                   ("shorter than it says", b"9\r\nhello\r\n0\r\n\r\n")):
    wire("HTTP", "chunk's " + what, None, 400, lambda w, b=body: raw.request(
        w.host, PUT, w.fill("/{b}/new"), [("Transfer-Encoding", "chunked")], b"", payload=SHA, length=False) + b)

wire("HTTP", "chunk's size 2^64", None, 413, lambda w: raw.request(
    w.host, PUT, w.fill("/{b}/new"), [("Transfer-Encoding", "chunked")], b"", payload=SHA, length=False) + b"10000000000000000\r\nhello\r\n0\r\n\r\n")

# --- forms (their own tests are in test_s3_post.py) ---

FORM = b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'
for what, kind, body, code, status in (
        ("nothing", "multipart/form-data; boundary=x", b"", "MalformedPOSTRequest", 400),
        ("no boundary", "multipart/form-data", FORM, "MalformedPOSTRequest", 400),
        ("no end", "multipart/form-data; boundary=x", FORM, "MalformedPOSTRequest", 400),
        ("no file", "multipart/form-data; boundary=x", FORM + b"--x--\r\n", "IncorrectNumberOfFilesInPostRequest", 400),
        ("no policy", "multipart/form-data; boundary=x", FORM + b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nk\r\n--x--\r\n', "AccessDenied", 403),
        ("policy of nobody", "multipart/form-data; boundary=x", FORM + b'--x\r\nContent-Disposition: form-data; name="policy"\r\n\r\n' + base64.b64encode(json.dumps({}).encode()) +
         b'\r\n--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nk\r\n--x--\r\n', "InvalidArgument", 400),
        ("no form at all", "text/plain", b"key=k", "AccessDenied", 403)):
    wire("forms", what, code, status, lambda w, k=kind, b=body: raw.head(POST, w.fill("/{b}"), [
        ("Host", w.host), ("Content-Type", k), ("Content-Length", str(len(b)))]) + b)
