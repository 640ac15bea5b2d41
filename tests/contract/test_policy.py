# SPDX-License-Identifier: Apache-2.0
"""The policy engine against a model of it: random policies and requests, small alphabets so that they often meet."""
import collections
import random

import policy_model
import tool

ACCOUNTS = ["111111111111", "222222222222"]
ARNS = [f"arn:aws:iam::{a}:{w}" for a in ACCOUNTS for w in ("root", "user/ann", "user/p/bob")] + [
    f"arn:aws:sts::{a}:assumed-role/{r}" for a in ACCOUNTS for r in ("fn/one", "fn/two", "etl/one")]
PRINCIPALS = ["*"] + ACCOUNTS + ARNS + [f"arn:aws:iam::{a}:role/{r}" for a in ACCOUNTS for r in ("fn", "x/fn", "etl")]
ACTIONS = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"]
TEXTS = ["a", "b", "ab", "A", "aB", "", "a*", "é", "aé", "a/b", "ann", "a:b", "${x}", "日本"]
NUMBERS = ["0", "1", "-1", "10", "10.0", "9.99", "010", "+1", ".5", "5.", "many", ""]
DATES = ["0", "1767225600", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T09:00:00+09:00", "2025-12-31T23:59:59Z", "soon"]
BOOLS = ["true", "false", "True", "FALSE", "yes"]
IPS = ["10.0.0.1", "10.0.0.0/8", "10.1.2.3/9", "192.168.1.7", "0.0.0.0/0", "::/0", "2001:db8::1", "2001:db8::/33",
       "::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "10.0.0.1/32", "nowhere"]
ARN_TEXTS = ARNS + ["arn:aws:iam::1*:user/*", "arn:aws:*:*:*:*", "arn:aws:iam::?11111111111:user/ann", "arn:*:*:*:*:*:x",
                    "arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}", "arn:aws:iam:::a:b", "arn:aws:iam::*:us*r/ann"]
VARIABLES = ["${aws:username}", "${aws:PrincipalAccount}", "${aws:userid, 'all'}", "${aws:SourceIp}", "${*}", "${?}", "${$}"]
KINDS = {"String": TEXTS, "Numeric": NUMBERS, "Date": DATES, "Bool": BOOLS, "Ip": IPS, "Arn": ARN_TEXTS}
OPERATORS = {"String": ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
                        "StringNotLike"],
             "Numeric": ["Numeric" + o for o in [*policy_model.ORDER, "NotEquals"]],
             "Date": ["Date" + o for o in [*policy_model.ORDER, "NotEquals"]],
             "Bool": ["Bool"], "Ip": ["IpAddress", "NotIpAddress"],
             "Arn": ["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"]}
KEYS = {"String": ["s3:prefix", "aws:username", "aws:userid"], "Numeric": ["s3:max-keys"], "Date": ["aws:CurrentTime"],
        "Bool": ["aws:SecureTransport"], "Ip": ["aws:SourceIp"], "Arn": ["aws:PrincipalArn"]}
READERS = {"Numeric": policy_model.number, "Date": policy_model.date, "Bool": policy_model.boolean, "Ip": policy_model.network}


class Random(random.Random):
    def some(self, pool, most=3):
        out = [self.choice(pool) for _ in range(self.randint(1, most))]
        return out[0] if len(out) == 1 and self.random() < 0.5 else out

    def wild(self, text):
        """The text with a piece of it as a wildcard, now and then."""
        if not text or self.random() < 0.5:
            return text
        i = self.randrange(len(text))
        return text[:i] + self.choice("**?") + text[i + self.randint(0, 3):]

    def pattern(self):
        kind = self.random()
        if kind < 0.3:
            return self.choice(VARIABLES) + self.choice(["", "/*", "*", "x"])
        return self.wild(self.choice([t for t in TEXTS if t != "${x}"]))

    def resource(self):
        if self.random() < 0.1:
            return "*"
        if self.random() < 0.1:
            return self.choice(["arn:aws:*:*:*:*", "arn:*:s3:::b/*", "arn:aws:s3:*::b*", "arn:aws:s3:::*:b"])
        return "arn:aws:s3:::" + self.wild("b") + self.choice(["", "/*", "/" + self.pattern()])

    def condition(self):
        kind = self.choice(list(OPERATORS))
        if self.random() < 0.08:
            return "Null", self.choice(KEYS[kind]), self.choice(["true", "false", True])
        op = self.choice(["", "", "ForAllValues:", "ForAnyValue:"]) + self.choice(OPERATORS[kind]) + self.choice(["", "", "IfExists"])
        if kind == "String":
            values = [self.pattern() for _ in range(self.randint(1, 3))]
        else:
            good = [v for v in KINDS[kind] if kind not in READERS or READERS[kind](v) is not None]
            values = [self.choice(good) for _ in range(self.randint(1, 3))]
        return op, self.choice(KEYS[kind]), values

    def statement(self):
        s = {"Effect": self.choice(["Allow", "Allow", "Deny"])}
        names = self.choice(["*", {"AWS": self.some(PRINCIPALS)}])
        s["NotPrincipal" if s["Effect"] == "Deny" and self.random() < 0.3 else "Principal"] = names
        s[self.choice(["Action", "Action", "NotAction"])] = self.some([self.wild(a.upper() if self.random() < 0.1 else a)
                                                                      for a in ACTIONS] + ["s3:*", "*"])
        s[self.choice(["Resource", "Resource", "NotResource"])] = self.some([self.resource() for _ in range(3)])
        for _ in range(self.choice([0, 0, 1, 2])):
            op, key, values = self.condition()
            s.setdefault("Condition", {}).setdefault(op, {})[key] = values
        return s

    def request(self):
        arn = self.choice(ARNS)
        keys = {}
        for kind, names in KEYS.items():
            for name in names:
                if self.random() < 0.7:
                    keys[name] = self.some(KINDS[kind], 3) if self.random() < 0.3 else self.choice(KINDS[kind])
        return {"action": self.choice(ACTIONS), "account": arn.split(":")[4], "arn": arn, "keys": keys,
                "resource": "arn:aws:s3:::b" + self.choice(["", "/a", "/ann/a", "/ab", "/é", "/all/*", "/a:b", "/*"])}


def right(policy):
    """Whether the model takes the policy (an action pattern may have lost its colon)."""
    return all(a == "*" or (":" in a[1:] and not a.endswith(":"))
               for s in policy["Statement"] for a in policy_model.as_list(s.get("Action", s.get("NotAction"))))


def test_against_a_model_of_it():
    rnd = Random(20261128)
    cases = []
    while len(cases) < 100_000:
        policy = {"Statement": [rnd.statement() for _ in range(rnd.randint(1, 3))]}
        if rnd.random() < 0.9:
            policy["Version"] = rnd.choice(["2012-10-17", "2012-10-17", "2008-10-17"])
        if right(policy):
            cases += [{"policy": policy, "request": rnd.request()} for _ in range(20)]
    answers = tool.evaluate("policy", cases)
    wrong, seen = [], collections.Counter()
    for case, got in zip(cases, answers):
        want = policy_model.evaluate(case["policy"], case["request"])
        seen[want] += 1
        if got.get("effect") != want:
            wrong.append((want, got, case))
    assert not wrong, (len(wrong), wrong[:3])
    assert all(seen[e] > 1000 for e in ("None", "Delegate", "Allow", "Deny")), seen
