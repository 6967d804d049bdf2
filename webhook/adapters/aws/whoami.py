"""Whose account it is."""

from webhook.amazon import Amazon
from webhook.domain.blueprint import Place


class WhoAmI:
    """Asks AWS who we are there."""

    def __init__(self, amazon: Amazon) -> None:
        self._amazon = amazon

    def place(self, region: str) -> Place:
        """The account that the credentials belong to, in this region; raises AwsError."""
        answer = self._amazon.call("sts", "GetCallerIdentity", {}, region=region)
        partition = answer["Arn"].split(":")[1]
        return Place(partition, region, answer["Account"])
