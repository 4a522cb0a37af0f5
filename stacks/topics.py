"""Whom AutoIR speaks to: one topic for people, one for machines, one for its own troubles.

People and machines are apart because a topic cannot leave a protocol out: with one, a telephone would get every
change of state. No topic lets another account in, and CloudWatch into that of the alarms alone; within the account
publishes who has the right by a policy of their own: of what the stacks make, the sweep.
"""

import hashlib

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from autoir.stage import StageConfig
from stacks.part import acknowledge


class Topics(Construct):
    """The three topics, with the stage's subscriptions."""

    def __init__(self, scope: Construct, config: StageConfig) -> None:
        super().__init__(scope, "Topics")
        self.pages = self._topic("Pages", f"AutoIR {config.name} incidents", config.pages)
        self.events = self._topic("Events", f"AutoIR {config.name} events", config.events)
        self.alarms = self._topic("Alarms", f"AutoIR {config.name} alarms", tuple(filter(None, [config.alarm_email])))
        self.alarms.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.alarms.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": config.account}},
            )
        )

    def _topic(self, name: str, display_name: str, listeners: tuple[str, ...]) -> sns.Topic:
        topic = sns.Topic(self, name, display_name=display_name, enforce_ssl=True)
        for listener in listeners:
            # Named after whom it serves: its place in the list may change.
            subscription = sns.CfnSubscription(
                topic,
                f"To{hashlib.sha256(listener.encode()).hexdigest()[:12]}",
                topic_arn=topic.topic_arn,
                protocol=protocol_of(listener),
                endpoint=listener,
            )
            reason = "What a topic cannot deliver is alarmed on, and the incident stays open."
            acknowledge(subscription, {"Serverless-SNSRedrivePolicy": reason})
        return topic


def protocol_of(listener: str) -> str:
    """SNS's name for the way to ``listener``."""
    if listener.startswith("arn:"):
        return listener.split(":")[2]
    return "https" if listener.startswith("https://") else "email" if "@" in listener else "sms"
