"""Findings about EventBridge: does news of verification and of sending status reach our topics?"""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.domain.findings import Code, Finding
from webhook.domain.wiring.mending import setup
from webhook.domain.wiring.seen import Rule, Seen

SES, HEALTH = "aws.ses", "aws.health"
_WANTED = {
    SES: (Code.NO_SES_RULE, "advice on identities and changes of sending status"),
    HEALTH: (Code.NO_HEALTH_RULE, "changes of DKIM and MAIL FROM"),
}


def judged(seen: Seen) -> Iterator[Finding]:
    """All about the rules that catch what AWS tells of SES."""
    if seen.rules is None or not seen.topics:
        return
    for source, (code, news) in _WANTED.items():
        catching = [rule for rule in seen.rules if catches(rule.pattern, source)]
        if not catching:
            yield Finding(
                code,
                f"No EventBridge rule in {seen.place.region} catches {source}: {news} show only when SES is asked.",
                setup(seen),
                f"a rule for {source} with a topic of ours as its target",
            )
        elif not any(rule.targets is None or (rule.enabled and _leads_here(seen, rule)) for rule in catching):
            yield _broken(seen, source, catching)


def catches(pattern: Mapping[str, Any], source: str) -> bool:
    """Whether a rule with this event pattern gets what `source` tells of SES."""
    if not pattern or not _allows(pattern.get("source"), source):
        return False
    detail = pattern.get("detail")
    services = detail.get("service") if isinstance(detail, Mapping) else None
    return source != HEALTH or _allows(services, "SES")


def _allows(wanted: object, value: str) -> bool:
    """Whether a list of a pattern has the value, or a prefix of it; no list allows all."""
    if not isinstance(wanted, list):
        return True
    prefixes = [one["prefix"] for one in wanted if isinstance(one, Mapping) and isinstance(one.get("prefix"), str)]
    return value in wanted or any(value.startswith(prefix) for prefix in prefixes)


def _leads_here(seen: Seen, rule: Rule) -> bool:
    return any(target in (seen.topics or {}) for target in rule.targets or ())


def _broken(seen: Seen, source: str, catching: list[Rule]) -> Finding:
    off = next((rule for rule in catching if _leads_here(seen, rule)), None)
    if off:
        return Finding(
            Code.RULE_OFF,
            f"The EventBridge rule {off.name} for {source} is off.",
            f"aws events enable-rule --region {seen.place.region} --name {off.name}",
            "a rule that is on",
        )
    rule = catching[0]
    topic = next(iter(seen.topics or {}))
    return Finding(
        Code.RULE_ELSEWHERE,
        f"The EventBridge rule {rule.name} for {source} has no topic of ours as its target.",
        f"{setup(seen)} if that made it; else aws events put-targets --region {seen.place.region}"
        f" --rule {rule.name} --targets Id=ses-sentinel,Arn={topic}",
        "a topic of ours as its target",
    )
