"""What EventBridge says of the rules of the default bus."""

from webhook.adapters.aws.documents import decoded
from webhook.amazon import Amazon
from webhook.domain.wiring import Rule


class RuleSurvey:
    """Reads one region. Each method raises AwsError."""

    def __init__(self, amazon: Amazon, region: str) -> None:
        self._amazon = amazon
        self._region = region

    def rules(self) -> list[Rule]:
        """All rules, without their targets; what is on a timetable alone has no pattern."""
        pages = self._amazon.pages("events", "ListRules", {}, region=self._region)
        return [
            Rule(
                name=row["Name"],
                arn=row["Arn"],
                # There is also a state of being on for CloudTrail's events as well.
                enabled=str(row.get("State", "")).startswith("ENABLED"),
                pattern=decoded(row.get("EventPattern")),
            )
            for page in pages
            for row in page.get("Rules", [])
        ]

    def targets(self, rule: str) -> tuple[str, ...]:
        """The ARNs that a rule leads to."""
        pages = self._amazon.pages("events", "ListTargetsByRule", {"Rule": rule}, region=self._region)
        return tuple(target["Arn"] for page in pages for target in page.get("Targets", []))
