# SPDX-License-Identifier: Apache-2.0
"""What a policy says to a request, written again and another way: regular expressions, Decimal, ipaddress."""
import datetime
import decimal
import functools
import ipaddress
import re

SERVER_KEYS = {k.lower() for k in (
    "aws:CurrentTime", "aws:EpochTime", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalType",
    "aws:RequestedRegion", "aws:ResourceAccount", "aws:SecureTransport", "aws:SourceIp", "aws:userid", "aws:username")}


class Malformed(Exception):
    pass


def as_list(v):
    return v if isinstance(v, list) else [v]


@functools.lru_cache(maxsize=None)
def compiled(regex):
    return re.compile(regex, re.S)


def expand(pattern, keys, wild, variables):
    """The pattern as a regular expression; None: a variable has no value."""
    out, i = "", 0
    while i < len(pattern):
        if variables and pattern.startswith("${", i):
            end = pattern.find("}", i)
            if end < 0:
                raise Malformed("variable")
            inner, i = pattern[i + 2:end], end + 1
            if inner in ("*", "?", "$"):
                out += re.escape(inner)
                continue
            name, comma, default = inner.partition(",")
            name, default = name.strip(), default.strip()
            if name.lower() not in SERVER_KEYS or (comma and not re.fullmatch("'.*'", default)):
                raise Malformed("variable")
            value = keys.get(name.lower(), [])
            if len(value) == 1:
                out += re.escape(value[0])
            elif comma:
                out += re.escape(default[1:-1])
            else:
                out = None
            if out is None:
                return None
            continue
        c = pattern[i]
        out += ".*" if wild and c == "*" else "." if wild and c == "?" else re.escape(c)
        i += 1
    return out


def glob(pattern, text, keys, variables, wild=True):
    regex = expand(pattern, keys, wild, variables)
    return regex is not None and compiled(regex).fullmatch(text) is not None


def arn(pattern, text, keys, variables):
    """Part by part; variables are put in first, as text that has no wildcards."""
    if "${" not in pattern or not variables:
        return arn_parts(pattern, (False,) * len(pattern), text)
    names = {}
    for n, m in enumerate(re.findall(r"\$\{[^}]*\}", pattern) if variables else []):
        regex = expand(m, keys, True, True)
        if regex is None:
            return False
        names[chr(0xE000 + n)] = re.sub(r"\\(.)", r"\1", regex, flags=re.S)
        pattern = pattern.replace(m, chr(0xE000 + n), 1)
    flat, exact = "", []
    for c in pattern:
        for one in names.get(c, c):
            flat += one
            exact.append(c in names)
    return arn_parts(flat, tuple(exact), text)


@functools.lru_cache(maxsize=None)
def arn_parts(flat, exact, text):
    """@exact: which characters are no wildcards."""
    parts, marks, at = flat.split(":", 5), [], 0
    for p in parts:
        marks.append(exact[at:at + len(p)])
        at += len(p) + 1
    have = text.split(":", 5)
    if len(parts) != 6 or len(have) != 6:
        return False
    for p, marked, h in zip(parts, marks, have):
        regex = "".join(re.escape(c) if m or c not in "*?" else ".*" if c == "*" else "." for c, m in zip(p, marked))
        if not compiled(regex).fullmatch(h):
            return False
    return True


def number(s):
    return decimal.Decimal(s) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", s) else None


def date(s):
    if re.fullmatch(r"-?\d+", s):
        return int(s) * 1000
    try:
        t = datetime.datetime.fromisoformat(s.replace("Z", "+00:00"))
    except ValueError:
        return None
    return int((t if t.tzinfo else t.replace(tzinfo=datetime.timezone.utc)).timestamp() * 1000)


def boolean(s):
    return {"true": True, "false": False}.get(s.lower())


def network(s):
    try:
        n = ipaddress.ip_network(s, strict=False)
    except ValueError:
        return None
    mapped = n.version == 6 and n.prefixlen >= 96 and n.network_address.ipv4_mapped
    return ipaddress.ip_network((mapped, n.prefixlen - 96), strict=False) if mapped else n


def in_network(want, have):
    return have.version == want.version and have.prefixlen == have.max_prefixlen and have.subnet_of(want)


ORDER = {"Equals": lambda w, h: h == w, "LessThan": lambda w, h: h < w, "LessThanEquals": lambda w, h: h <= w,
         "GreaterThan": lambda w, h: h > w, "GreaterThanEquals": lambda w, h: h >= w}


def comparison(name):
    """(negated, reader of values, test(want, have, keys, variables))"""
    plain = lambda f: (lambda w, h, k, v: f(w, h))
    text = {"StringEquals": lambda w, h, k, v: glob(w, h, k, v, False),
            "StringEqualsIgnoreCase": lambda w, h, k, v: glob(w.lower(), h.lower(), {n: [x.lower() for x in y] for n, y in k.items()},
                                                              v, False),
            "StringLike": glob, "ArnEquals": arn, "ArnLike": arn}
    base = name.replace("NotEquals", "Equals").replace("NotLike", "Like").replace("NotIp", "Ip")
    if base in text:
        return base != name, str, text[base]
    for kind, reader in (("Numeric", number), ("Date", date)):
        if base.startswith(kind) and base[len(kind):] in ORDER:
            return base != name, reader, plain(ORDER[base[len(kind):]])
    if base == "Bool":
        return False, boolean, plain(lambda w, h: w == h)
    if base == "IpAddress":
        return base != name, network, plain(in_network)
    raise Malformed("operator " + name)


def condition(op, key, values, keys, variables):
    have = keys.get(key.lower())
    if op == "Null":
        return any(boolean(v) == (have is None) for v in values)
    quantifier, _, name = op.rpartition(":")
    if_exists = name.endswith("IfExists")
    negated, reader, test = comparison(name[:-8] if if_exists else name)
    wants = [reader(v) for v in values]
    if None in wants:
        raise Malformed("value")
    if have is None and if_exists:
        return True

    def fits(h):
        read = reader(h)
        return (read is not None and any(test(w, read, keys, variables) for w in wants)) != negated
    one = [fits(h) for h in have or []]
    if quantifier == "ForAllValues" or (not quantifier and negated):
        return all(one)
    return any(one)


def principal(p, who):
    if p == "*":
        return "Allow"
    account = re.fullmatch(r"(?:arn:aws:iam::)?(\d{12})(?::root)?", p)
    if account:
        same = account.group(1) == who["account"]
        return "None" if not same else "Allow" if who["arn"].endswith(":root") else "Delegate"
    role = re.fullmatch(r"arn:aws:iam::(\d{12}):role/(?:.*/)?([^/]+)", p)
    session = re.fullmatch(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.*", who["arn"])
    if role and session and role.groups() == session.groups():
        return "Allow"
    return "Allow" if p == who["arn"] else "None"


RANK = ["None", "Delegate", "Allow"]


def who_fits(s, who):
    listed = s.get("Principal", s.get("NotPrincipal"))
    names = ["*"] if listed == "*" else [p for kind, v in listed.items() for p in as_list(v) if kind == "AWS"]
    best = max((principal(p, who) for p in names), key=RANK.index, default="None")
    if "NotPrincipal" in s:
        return "None" if best == "Allow" else "Allow"
    return best


def evaluate(policy, request):
    """None, Delegate, Allow or Deny."""
    keys = {k.lower(): as_list(v) for k, v in request["keys"].items()}
    variables = policy.get("Version") == "2012-10-17"
    best = "None"
    for s in as_list(policy["Statement"]):
        who = who_fits(s, request)
        if who == "None":
            continue
        action = any(glob(a.lower(), request["action"].lower(), {}, False) for a in as_list(s.get("Action", s.get("NotAction"))))
        if action != ("Action" in s):
            continue
        resource = any(r == "*" or arn(r, request["resource"], keys, variables)
                       for r in as_list(s.get("Resource", s.get("NotResource"))))
        if resource != ("Resource" in s):
            continue
        if not all(condition(op, k, [v if isinstance(v, str) else str(v).lower() for v in as_list(vs)], keys, variables)
                   for op, m in s.get("Condition", {}).items() for k, vs in m.items()):
            continue
        if s["Effect"] == "Deny":
            return "Deny"
        best = max(best, who, key=RANK.index)
    return best
