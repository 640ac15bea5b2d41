# SPDX-License-Identifier: Apache-2.0
"""`mulgil deploy`: a template becomes resources that AWS clients see; again, only what differs is changed."""
import json
import os
import pathlib

import pytest

rig = pytest.importorskip("rig")

PIPELINE = pathlib.Path(rig.ROOT) / "pipelines" / "audience"

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Note: {Type: String, Default: first}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {BucketName: dep-bucket, NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}}
  Unnamed: {Type: AWS::S3::Bucket}
  Stream:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties:
      DeliveryStreamName: dep-stream
      ExtendedS3DestinationConfiguration:
        BucketARN: !GetAtt Bucket.Arn
        RoleARN: !Sub 'arn:aws:iam::${AWS::AccountId}:role/r'
        BufferingHints: {IntervalInSeconds: 0, SizeInMBs: 1}
  Database: {Type: AWS::Glue::Database, Properties: {CatalogId: !Ref AWS::AccountId, DatabaseInput: {Name: dep, Description: !Ref Note}}}
  Table:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseName: !Ref Database
      TableInput:
        Name: t
        Description: !Ref Note
        StorageDescriptor: {Columns: [{Name: a, Type: int}], Location: !Sub 's3://${Bucket}/t/'}
  Job:
    Type: AWS::Glue::Job
    Properties: {Name: dep-job, Role: !Sub 'arn:aws:iam::${AWS::AccountId}:role/r', Command: {Name: sql, ScriptLocation: job.sql}}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: dep-function
      Role: !Sub 'arn:aws:iam::${AWS::AccountId}:role/r'
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: code
      Environment: {Variables: {NOTE: !Ref Note}}
      FunctionUrlConfig: {AuthType: AWS_IAM}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: dep-machine
      Role: !Sub 'arn:aws:iam::${AWS::AccountId}:role/r'
      DefinitionUri: machine.asl.json
      DefinitionSubstitutions: {Note: !Ref Note, Url: !GetAtt FunctionUrl.FunctionUrl}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: dep-rule
      Description: !Ref Note
      EventPattern: {source: [dep], detail: {bucket: [!Ref Bucket]}}
      Targets: [{Id: machine, Arn: !Ref Machine, RoleArn: !Sub 'arn:aws:iam::${AWS::AccountId}:role/r'}]
Outputs:
  Url: {Value: !GetAtt FunctionUrl.FunctionUrl}
  Machine: {Value: !Ref Machine}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    d = tmp_path_factory.mktemp("deploy")
    (d / "template.yaml").write_text(TEMPLATE)
    (d / "job.sql").write_text("SELECT 1")
    (d / "machine.asl.json").write_text(json.dumps(
        {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "${Note} ${Url}", "End": True}}}))
    (d / "code").mkdir()
    (d / "code" / "bootstrap").write_text("#!/bin/sh\nexit 1\n")
    os.chmod(d / "code" / "bootstrap", 0o755)
    return d


def deploy(server, template, *words):
    done = server.run("deploy", str(template), "--output", "json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def actions(result):
    return {r["logical_id"]: r["action"] for r in result["resources"]}


def changed(result):
    return {k for k, v in actions(result).items() if v != "unchanged"}


def test_a_template_becomes_resources_and_again_changes_nothing(make_server, folder):
    server = make_server().start()
    first = deploy(server, folder / "template.yaml")
    assert set(actions(first).values()) == {"created"}
    assert actions(first).keys() == {"Bucket", "Unnamed", "Stream", "Database", "Table", "Job", "Function", "FunctionUrl",
                                     "Machine", "Rule"}
    order = [r["logical_id"] for r in first["resources"]]
    assert order.index("FunctionUrl") < order.index("Machine") < order.index("Rule")
    url = server.client("lambda").get_function_url_config(FunctionName="dep-function")["FunctionUrl"]
    machine = f"arn:aws:states:{rig.REGION}:{rig.ACCOUNT}:stateMachine:dep-machine"
    assert first["outputs"] == {"Url": url, "Machine": machine}
    definition = json.loads(server.states.describe_state_machine(stateMachineArn=machine)["definition"])
    assert definition["States"]["P"]["Result"] == f"first {url}"
    assert server.s3.head_bucket(Bucket="audience-unnamed")
    assert "EventBridgeConfiguration" in server.s3.get_bucket_notification_configuration(Bucket="dep-bucket")
    assert server.glue.get_table(DatabaseName="dep", Name="t")["Table"]["StorageDescriptor"]["Location"] == "s3://dep-bucket/t/"
    script = server.glue.get_job(JobName="dep-job")["Job"]["Command"]["ScriptLocation"]
    bucket, _, key = script.removeprefix("s3://").partition("/")
    assert bucket == "mulgil-artifacts" and key.endswith(".sql")
    assert server.s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"SELECT 1"
    rule = server.events.describe_rule(Name="dep-rule")
    assert json.loads(rule["EventPattern"]) == {"source": ["dep"], "detail": {"bucket": ["dep-bucket"]}}
    assert [t["Arn"] for t in server.events.list_targets_by_rule(Rule="dep-rule")["Targets"]] == [machine]

    again = deploy(server, folder / "template.yaml")
    assert changed(again) == set()
    assert again["outputs"] == first["outputs"]
    check_changes(server, folder, machine)


def check_changes(server, folder, machine):
    other = deploy(server, folder / "template.yaml", "--parameter", "Note=second")
    assert changed(other) == {"Database", "Table", "Function", "Machine", "Rule"}
    assert set(actions(other).values()) == {"updated", "unchanged"}
    assert server.glue.get_database(Name="dep")["Database"]["Description"] == "second"
    config = server.client("lambda").get_function_configuration(FunctionName="dep-function")
    assert config["Environment"]["Variables"] == {"NOTE": "second"}
    assert "second" in server.states.describe_state_machine(stateMachineArn=machine)["definition"]
    assert server.events.describe_rule(Name="dep-rule")["Description"] == "second"

    (folder / "job.sql").write_text("SELECT 2")
    (folder / "code" / "bootstrap").write_text("#!/bin/sh\nexit 2\n")
    renamed = TEMPLATE.replace("Id: machine", "Id: renamed")
    (folder / "template.yaml").write_text(renamed)
    assert changed(deploy(server, folder / "template.yaml", "--parameter=Note=second")) == {"Job", "Function", "Rule"}
    assert [t["Id"] for t in server.events.list_targets_by_rule(Rule="dep-rule")["Targets"]] == ["renamed"]

    (folder / "template.yaml").write_text(renamed.replace("SizeInMBs: 1", "SizeInMBs: 2"))
    done = server.run("deploy", str(folder / "template.yaml"))
    assert done.returncode == 1
    assert "Stream (AWS::KinesisFirehose::DeliveryStream): Resources.Stream.Properties.ExtendedS3DestinationConfiguration." \
           "BufferingHints.SizeInMBs differs from what is there" in done.stderr


def test_what_is_refused_is_named_and_nothing_is_created(server, tmp_path):
    (tmp_path / "t.yaml").write_text("Resources:\n  A: {Type: AWS::S3::Bucket, Properties: {BucketName: dep-never}}\n"
                                     "  B: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled}}}\n")
    done = server.run("deploy", str(tmp_path / "t.yaml"))
    assert done.returncode == 1
    assert "Resources.B.Properties.VersioningConfiguration is not supported" in done.stderr
    assert "dep-never" not in [b["Name"] for b in server.s3.list_buckets()["Buckets"]]


def test_dry_run_creates_nothing(server, tmp_path):
    (tmp_path / "t.yaml").write_text("Resources: {A: {Type: AWS::S3::Bucket, Properties: {BucketName: dep-dry}}}")
    assert actions(deploy(server, tmp_path / "t.yaml", "--dry-run")) == {"A": "checked"}
    assert "dep-dry" not in [b["Name"] for b in server.s3.list_buckets()["Buckets"]]


def test_the_pipeline_deploys_from_where_the_program_is(make_server):
    server = make_server().start()
    done = server.run("deploy")
    assert done.returncode == 0, done.stderr
    assert "Measurement" in done.stdout and "UploadUrl = http" in done.stdout
    code = os.path.join(rig.ROOT, "build", "functions")  # the template's default; where that is not built, the program's own
    if not os.path.exists(code):
        code = os.path.join(rig.BUILD, "functions")
    second = server.run("deploy", str(PIPELINE / "template.yaml"), "--parameter", "FunctionsCode=" + code)
    assert second.returncode == 0, second.stderr
    lines = [x for x in second.stdout.splitlines() if "AWS::" in x]
    assert lines and all(x.startswith("unchanged") for x in lines), second.stdout


@pytest.mark.parametrize("words, why", [
    (["--parameter", "x"], "--parameter takes NAME=VALUE"),
    (["a", "b"], "usage: mulgil deploy"),
    (["--output", "xml"], "usage: mulgil deploy"),
    (["--nonsense"], "there is no option --nonsense"),
])
def test_wrong_use_is_told(server, words, why):
    done = server.run("deploy", *words)
    assert done.returncode == 2
    assert why in done.stderr


def test_a_missing_template_is_told(server):
    done = server.run("deploy", "/nowhere/template.yaml")
    assert done.returncode == 1
    assert "/nowhere/template.yaml" in done.stderr
