# SPDX-License-Identifier: Apache-2.0
"""A table of samples bound to a delivery stream, and records in envelopes whose samples tell their own number."""
import json
import struct
import uuid

from rig import name, until

COLUMNS = {"measurement_id": "string", "subject_pid": "string", "stream_id": "string", "seq": "int", "chunk": "int",
           "t0_utc_us": "bigint", "t0_content_ms": "bigint", "dt_us": "double", "n": "int", "channel": "string",
           "values": "array<int>", "scale": "double", "offset": "double", "unit": "string", "gap_before": "int",
           "flags": "int", "layout_id": "string", "schema_version": "int"}
KEYS = {"dt": "date", "screening_id": "string", "modality": "string"}
START_NS = 1740000000 * 10**9
LAYOUT = "max30102.fifo2@1"  # 6 bytes a frame: one sample of red and one of ir, 3 bytes each

_TABLE = []
for _i in range(256):
    _c = _i
    for _ in range(8):
        _c = (_c >> 1) ^ (0x82F63B78 if _c & 1 else 0)
    _TABLE.append(_c)


def crc32c(data):
    c, t = 0xFFFFFFFF, _TABLE
    for b in data:
        c = t[(c ^ b) & 0xFF] ^ (c >> 8)
    return c ^ 0xFFFFFFFF


def envelope(stream, seq, payload, t_ns=None):
    """docs/formats.md: 52 bytes, then the payload."""
    head = struct.pack("<2sBBI16sIqqI", b"MG", 1, 0, 0, uuid.UUID(stream).bytes, seq,
                       START_NS + seq * 10**7 if t_ns is None else t_ns, 0, len(payload))
    return head + struct.pack("<I", crc32c(head + payload)) + payload


def sample(seq, k=0):
    """What record @seq says as its @k-th sample of red."""
    return (seq * 7 + k) & 0x3FFFF


def payload(seq, frames=1):
    return b"".join(sample(seq, k).to_bytes(3, "big") + (0x3FFFF - sample(seq, k)).to_bytes(3, "big") for k in range(frames))


class Lake:
    def __init__(self, server, **parameters):
        self.server = server
        self.raw, self.processed = server.bucket(events=True), server.bucket()
        self.delivery = server.stream(self.raw, prefix="v1/biosignals/")
        self.database = name("db").replace("-", "_")
        server.glue.create_database(DatabaseInput={"Name": self.database})
        server.glue.create_table(DatabaseName=self.database, TableInput=self.table(parameters))
        self.ends = {}

    def table(self, parameters, **more):
        columns = [{"Name": k, "Type": v} for k, v in {**COLUMNS, **more}.items()]
        return {"Name": "sensor", "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "parquet", "mulgil.source": "firehose:" + self.delivery,
                               "mulgil.record": "envelope@1", **parameters},
                "PartitionKeys": [{"Name": k, "Type": v} for k, v in KEYS.items()],
                "StorageDescriptor": {
                    "Columns": columns, "Location": f"s3://{self.processed}/sensor/",
                    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}}

    def begin(self, screening="s1", streams=1, rate=100.0):
        """A measurement with streams; returns its id and theirs."""
        measurement, ids = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(streams)]
        place = f"dt=2025-02-19/screening={screening}/subject=p-1/measurement={measurement}"
        self.ends[measurement] = f"v1/manifest/{place}/_manifest.json"
        self.server.s3.put_object(Bucket=self.raw, Key=f"v1/manifest/{place}/_begin.json", Body=json.dumps({
            "v": 1, "measurement": measurement, "screening": screening, "subject": "p-1", "content": "film", "content_version": "1",
            "started_at_ns": str(START_NS), "place": place, "files": [],
            "streams": [{"stream": s, "modality": "ppg", "layout": LAYOUT, "rate": rate} for s in ids]}))
        return measurement, ids

    def end(self, measurement, last_seq):
        """@last_seq: by stream."""
        self.server.s3.put_object(Bucket=self.raw, Key=self.ends[measurement], Body=json.dumps({
            "v": 1, "measurement": measurement, "ended_at_ns": str(START_NS + 10**12), "files": [],
            "streams": [{"stream": s, "layout": LAYOUT, "first_seq": 0, "last_seq": n, "bytes": "0", "sha256": ""}
                        for s, n in last_seq.items()]}))

    def put(self, records):
        """All of them, in batches; those that are refused are sent again, as SDKs do."""
        f = self.server.firehose
        while records:
            batch, records = records[:500], records[500:]
            r = f.put_record_batch(DeliveryStreamName=self.delivery, Records=[{"Data": d} for d in batch])
            records = [d for d, a in zip(batch, r["RequestResponses"]) if "ErrorCode" in a] + records

    def query(self, text):
        """The rows of a SELECT, as texts, without the line of names."""
        a = self.server.athena
        q = a.start_query_execution(QueryString=text, QueryExecutionContext={"Database": self.database},
                                    ResultConfiguration={"OutputLocation": f"s3://{self.processed}/results/"})["QueryExecutionId"]

        def state():
            s = a.get_query_execution(QueryExecutionId=q)["QueryExecution"]["Status"]
            assert s["State"] not in ("FAILED", "CANCELLED"), s
            return s["State"] == "SUCCEEDED"

        until("the query", state, 60)
        rows = []
        for page in a.get_paginator("get_query_results").paginate(QueryExecutionId=q):
            rows += [[c.get("VarCharValue") for c in r["Data"]] for r in page["ResultSet"]["Rows"]]
        return rows[1:]

    def files(self):
        return [o for page in self.server.s3.get_paginator("list_objects_v2").paginate(Bucket=self.processed, Prefix="sensor/")
                for o in page.get("Contents", [])]
