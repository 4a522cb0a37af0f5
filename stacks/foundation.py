"""Foundation: what the other parts stand on, and all that outlives them: network, secrets, topics and buckets.

``migrate_schema`` is here, since a stage's database is brought up to date before anything else runs, and often
cannot be reached from a laptop. The secrets of the store have no value at first: a made-up one would look like a
connection string that does not work.
"""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from autoir import metric_names
from autoir.lambda_env import MigrateSchemaEnv
from autoir.stage import StageConfig, outputs
from stacks.function import Handler
from stacks.network import Network
from stacks.part import Part, acknowledge, allow
from stacks.topics import Topics

FAILURES_ARN = "PublishOutputFnGetAttFailures8A3E1A2FArnFC0B776A"
WEIGHTS_ARN = "PublishOutputFnGetAttWeights79DEE8EFArn90ECC059"
"""Outputs by which other stacks know the buckets: CDK chooses the names, findings of cdk-nag quote them."""

_FAILURES_DAYS = 30


class Foundation(Part):
    """The first stack of a stage."""

    def __init__(self, scope: Construct, *, config: StageConfig) -> None:
        super().__init__(scope, "Foundation", config=config, description="network, secrets, topics, buckets, schema")
        self.network = Network(self, config)
        self.topics = Topics(self, config)
        self.writer_secret = self._secret("StoreWriter", "connection string of the writer")
        self.reader_secret = self._secret("StoreReader", "connection string of the reader")
        self.owner_secret = self._secret("StoreOwner", "connection string of the schema's owner")
        self.llm_key_secret = self._secret("LlmKey", "API key of the model's hosts", made_up=True)
        self.failures = self._bucket("Failures", versioned=False)
        self.failures.add_lifecycle_rule(expiration=cdk.Duration.days(_FAILURES_DAYS))
        self.weights = self._bucket("Weights", versioned=True)
        self.weights.add_lifecycle_rule(noncurrent_version_expiration=cdk.Duration.days(_FAILURES_DAYS))
        self.migrate = self._migrate()
        self._outputs()

    def _secret(self, name: str, what: str, *, made_up: bool = False) -> secretsmanager.CfnSecret:
        generated = secretsmanager.CfnSecret.GenerateSecretStringProperty(password_length=48, exclude_punctuation=True)
        secret = secretsmanager.CfnSecret(
            self,
            name,
            description=f"AutoIR {self.config.name}: {what}",
            generate_secret_string=generated if made_up else None,
        )
        secret.apply_removal_policy(self.kept)
        how = "A stage's new key is a new secret value; hosts read it at their start."
        if not made_up:
            how = "AWS cannot rotate a TiDB user: autoir tidb dsn writes a new one, and handlers read again on refusal."
        acknowledge(secret, {"AwsSolutions-SMG4": how})
        return secret

    def _bucket(self, name: str, *, versioned: bool) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=versioned,
            removal_policy=self.kept,
        )
        bucket.add_lifecycle_rule(abort_incomplete_multipart_upload_after=cdk.Duration.days(7))
        acknowledge(bucket, {"AwsSolutions-S1": "Written by Lambda and one command; CloudTrail's data events log it."})
        return bucket

    def _migrate(self) -> Handler:
        service = metric_names.MIGRATE_SCHEMA
        return Handler(
            self,
            service,
            config=self.config,
            environment=MigrateSchemaEnv(
                stage=self.config.name,
                log_level="INFO",
                powertools_service_name=service,
                powertools_metrics_namespace=metric_names.namespace(self.config.name),
                owner_secret_arn=self.owner_secret.ref,
            ),
            statements=[allow(["secretsmanager:GetSecretValue"], [self.owner_secret.ref])],
            vpc=self.network.vpc,
            security_group=self.network.embed,
            memory_mb=512,
            timeout_s=900,
        )

    def _outputs(self) -> None:
        self.output(outputs.WRITER_SECRET, self.writer_secret.ref)
        self.output(outputs.READER_SECRET, self.reader_secret.ref)
        self.output(outputs.OWNER_SECRET, self.owner_secret.ref)
        self.output(outputs.LLM_KEY_SECRET, self.llm_key_secret.ref)
        self.output(outputs.PAGES_TOPIC, self.topics.pages.topic_arn)
        self.output(outputs.EVENTS_TOPIC, self.topics.events.topic_arn)
        self.output(outputs.ALARMS_TOPIC, self.topics.alarms.topic_arn)
        self.output(outputs.FAILURE_BUCKET, self.failures.bucket_name)
        self.output(outputs.WEIGHTS_BUCKET, self.weights.bucket_name)
        self.output(outputs.MIGRATE_FUNCTION, self.migrate.name)
        if self.network.addresses:
            self.output(outputs.EGRESS_IPS, cdk.Fn.join(",", self.network.addresses))
