"""How plans of the set-up are shown, as tables and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from webhook.cli.table import print_json, print_line, print_table
from webhook.config import Settings
from webhook.domain.blueprint import Difference, Kind, key_policy_statements
from webhook.domain.topics import TopicAllowList
from webhook.setup import Action, Confirmation, Plan, Step

#: Identities that are shown by name, of those that the same is done with.
SHOWN = 20
_VALUE_MAX = 60
_DONE = {
    Action.CREATE: "to create",
    Action.CHANGE: "to change",
    Action.CONFIRM: "to confirm",
    Action.DELETE: "to delete",
    Action.KEEP: "to keep",
    Action.LEAVE: "to leave alone",
    Action.BLOCKED: "in the way",
}


def show(plans: Sequence[Plan], settings: Settings | None) -> None:
    """Prints the plans, and what must be in `.env` for them; None: nothing must."""
    for plan in plans:
        place = plan.place
        title = f"\nRegion {place.region} of the AWS account {place.account}"
        print_table(
            ("ACTION", "WHAT", "NAME", "WHY"), [*_rows(plan)] or [("keep", "-", "-", "nothing is there")], title
        )
        for remark in plan.remarks:
            print_line("warning", remark)
        for key, statements in _keys(plan):
            print(f"\nThe topic is encrypted with {key}: its key policy must have these statements.")
            print_json(statements)
    counted = Counter(step.action for plan in plans for step in plan.steps)
    changes = any(plan.changes for plan in plans)
    total = ", ".join(f"{counted[action]} {words}" for action, words in _DONE.items() if counted[action])
    print(f"\n{total}." if changes or counted[Action.BLOCKED] else "\nNothing to do.")
    if settings and not counted[Action.BLOCKED]:
        _show_settings(tuple(_settings(plans, settings)))


def _show_settings(settings: Sequence[tuple[str, str, bool]]) -> None:
    """Prints what is right and, ready to be copied, the lines that are not there."""
    right = [name for name, _, there in settings if there]
    lines = [f"{name}={value}" for name, value, there in settings if not there]
    if right:
        print(f"Already right in .env: {', '.join(right)}")
    if lines:
        print("In .env must be:", *lines, sep="\n")


def document(plans: Sequence[Plan], settings: Settings | None) -> dict[str, Any]:
    """The plans as JSON, with the settings they need."""
    return {
        "regions": [
            {
                "region": plan.place.region,
                "account": plan.place.account,
                "steps": [_step(step) for step in plan.steps],
                "remarks": list(plan.remarks),
                "keyPolicyStatements": [statement for _, statements in _keys(plan) for statement in statements],
            }
            for plan in plans
        ],
        "changes": sum(len(plan.changes) for plan in plans),
        "blocked": any(plan.obstacles for plan in plans),
        "settings": {name: value for name, value, _ in _settings(plans, settings)} if settings else {},
    }


def show_confirmations(states: Sequence[Confirmation]) -> None:
    """Prints how the subscriptions stand."""
    for state in states:
        if state.arrived:
            print_line("confirmed", f"{state.topic}: its messages come here")
            continue
        print_line("pending", f"{state.topic}: SNS's confirmation has not arrived here")
        for reason in state.reasons:
            print(f"  - {reason}")
    if any(not state.arrived for state in states):
        print("When that is mended, run the same command again: SNS then asks once more.")


def confirmation(state: Confirmation) -> dict[str, Any]:
    """How a subscription stands, as JSON."""
    return {
        "region": state.region,
        "topicArn": state.topic,
        "confirmed": state.confirmed,
        "noted": state.noted,
        "reasons": list(state.reasons),
    }


_MANY = ("SES identities' default sets", "identities")


def _rows(plan: Plan) -> Iterator[tuple[str, str, str, str]]:
    shown: Counter[Action] = Counter()
    totals = Counter(step.action for step in plan.steps if step.resource.kind is Kind.IDENTITY)
    for step in plan.steps:
        if step.resource.kind is Kind.IDENTITY:
            shown[step.action] += 1
            if step.action is Action.KEEP or shown[step.action] > SHOWN:
                continue
        yield step.action, step.resource.title, step.resource.name, _why(step)
    for action, total in totals.items():
        hidden = total if action is Action.KEEP else total - SHOWN
        if hidden > 0:
            more, why = ("", "as it should be") if action is Action.KEEP else ("more ", "as above")
            what, noun = ("SES identity's default set", "identity") if hidden == 1 else _MANY
            yield action, what, f"{hidden:,} {more}{noun}", why


def _why(step: Step) -> str:
    if step.action is not Action.CHANGE or not step.wrong:
        return step.why
    return "; ".join(map(_difference, step.wrong))


def _difference(difference: Difference) -> str:
    if difference.property == "PolicyDocument":
        return "its policy allows something else than it should"
    found = "not set" if difference.found is None else _brief(difference.found)
    return f"{difference.path} is {found}, should be {_brief(difference.wanted)}"


def _brief(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _VALUE_MAX else text[: _VALUE_MAX - 1] + "…"


def _step(step: Step) -> dict[str, Any]:
    return {
        "action": step.action,
        "type": step.resource.kind,
        "name": step.resource.name,
        "why": step.why,
        "differences": [{"property": one.path, "found": one.found, "wanted": one.wanted} for one in step.wrong],
    }


def _keys(plan: Plan) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The key of an encrypted topic, ours or one that somebody chose for it, and what its policy must have."""
    sets = [step.resource.name for step in plan.steps if step.resource.kind is Kind.CONFIGURATION_SET]
    for step in plan.steps:
        if step.resource.kind is not Kind.TOPIC or step.action in (Action.DELETE, Action.LEAVE, Action.BLOCKED):
            continue
        found = step.found.properties.get("KmsMasterKeyId") if step.found else None
        key = step.resource.properties.get("KmsMasterKeyId") or found
        if key:
            yield key, key_policy_statements(plan.place, sets[0])


def _settings(plans: Sequence[Plan], settings: Settings) -> Iterator[tuple[str, str, bool]]:
    """The settings that the service needs: name, value, and whether it has them."""
    topics = [
        plan.place.topic(step.resource.name) for plan in plans for step in plan.steps if step.resource.key == "Topic"
    ]
    allowed = TopicAllowList.from_patterns(settings.sns_topic_arns)
    missing = [arn for arn in topics if not allowed.allows(arn)]
    yield "SNS_TOPIC_ARNS", ",".join([*settings.sns_topic_arns, *missing]), not missing
    urls = [_url(plan, step) for plan in plans for step in plan.steps if step.resource.key == "Queue"]
    named = settings.sqs_queue_urls
    unnamed = [url for url in urls if url and url not in named]
    if unnamed or any(urls):
        yield "SQS_QUEUE_URLS", ",".join([*named, *unnamed]), not unnamed
    # So that domains added later have it too, and mail that is sent through here.
    configuration_set = next(
        step.resource.name for step in plans[0].steps if step.resource.kind is Kind.CONFIGURATION_SET
    )
    yield "SES_CONFIGURATION_SET", configuration_set, settings.ses_configuration_set == configuration_set


def _url(plan: Plan, step: Step) -> str:
    if step.action is Action.DELETE:
        return ""
    return step.found.reference if step.found else plan.place.queue_url(step.resource.name)
