"""Calls of AWS are found however they are written, in the package and in a host's scripts."""

import ast

import pytest

from autoir.cli import aws_calls


def actions(source: str, services: set[str] | None = None) -> set[str]:
    return aws_calls.actions(ast.parse(source), services or ())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('access.client("sns").publish(TopicArn="x")', {"sns:Publish"}),
        # another prefix than the service's name
        ('boto3.client("sagemaker-runtime").invoke_endpoint()', {"sagemaker:InvokeEndpoint"}),
        ('c = session.client("cloudwatch")\nc.get_metric_statistics()', {"cloudwatch:GetMetricStatistics"}),
        # another name than the operation's
        (
            's3 = boto3.client("s3")\ns3.list_objects_v2()\ns3.list_parts()',
            {"s3:ListBucket", "s3:ListMultipartUploadParts"},
        ),
        # and one more: without it S3 answers 403 for an object that is not there, and 404 with it
        ('boto3.client("s3").head_object()', {"s3:GetObject", "s3:ListBucket"}),
        ('boto3.client("s3").upload_file("a", "b", "c")', {"s3:PutObject"}),
        ('boto3.client("lambda").invoke()', {"lambda:InvokeFunction"}),
        # paginators, waiters, lambdas, a client that was kept
        ('boto3.client("ecs").get_paginator("list_tasks").paginate()', {"ecs:ListTasks"}),
        ('boto3.client("ecs").get_waiter("services_stable").wait()', {"ecs:DescribeServices"}),
        ('self.c = a.client("s3")\nask(lambda s3: s3.get_object(Key="x")["Body"].read())', {"s3:GetObject"}),
        # what is no call of a client
        ('a.client("sns")\nprint("publish")\npublish()', set()),
        ("other.publish()\nother.describe_stacks()", set()),
    ],
)
def test_a_call_is_found(source: str, expected: set[str]) -> None:
    assert actions(source) == expected


def test_a_client_that_was_made_elsewhere_counts_by_names_of_more_than_one_word() -> None:
    assert actions("self.c.describe_stacks()\nself.c.publish()", {"cloudformation", "sns"}) == {
        "cloudformation:DescribeStacks"
    }


def test_a_service_that_is_not_written_out_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\.client\(name\)"):
        actions("boto3.client(name).publish()")
    assert actions("def client(self, name):\n    return session.client(name)") == set()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('key=$(aws secretsmanager get-secret-value --secret-id "$KEY")', {"secretsmanager:GetSecretValue"}),
        ("  aws s3 cp --region x a b\naws configure set default.s3 4", {"s3:GetObject"}),
        ("# aws ssm put-parameter\necho aws", set()),
    ],
)
def test_a_script_s_call_is_found(script: str, expected: set[str]) -> None:
    assert aws_calls.scripted(script) == expected


def test_a_script_s_call_that_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError, match="sync"):
        aws_calls.scripted("aws s3 sync a b")
