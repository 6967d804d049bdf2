"""An alert for people in a chat: the messages that Slack's and Teams' incoming webhooks take.

Sources: https://api.slack.com/messaging/webhooks, https://api.slack.com/reference/surfaces/formatting#escaping,
https://docs.slack.dev/reference/block-kit/composition-objects/text-object,
https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using.
"""

import re
from typing import Any

import msgspec

from webhook.domain.alerts import Alert, stamp
from webhook.domain.rendering.sentences import Mood, Told, tell

JSON = "application/json"

_SLACK_HEADER, _SLACK_TEXT, _SLACK_FIELDS = 150, 2000, 10
_SLACK_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_SIGNS = {
    Mood.GOOD: ":large_green_circle:",
    Mood.NEUTRAL: ":white_circle:",
    Mood.ATTENTION: ":large_yellow_circle:",
    Mood.BAD: ":red_circle:",
}
_COLOURS = {Mood.GOOD: "Good", Mood.NEUTRAL: "Default", Mood.ATTENTION: "Warning", Mood.BAD: "Attention"}
_MARKDOWN = re.compile(r"([\\`*_\[\]#~>|])")


def slack(alert: Alert) -> bytes:
    """The message for an incoming webhook: `text` for notifications, `blocks` with the numbers and a link."""
    told = tell(alert)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _short(told.headline, _SLACK_HEADER)}},
        {"type": "section", "text": _mrkdwn(f"{_SIGNS[told.mood]} {_escaped(told.sentence)}")},
    ]
    if told.facts:
        fields = [_mrkdwn(f"*{_escaped(name)}*\n{_escaped(value) or '-'}") for name, value in told.facts]
        blocks.append({"type": "section", "fields": fields[:_SLACK_FIELDS]})
    blocks.append({"type": "context", "elements": [_mrkdwn(_footer(alert, told))]})
    message = {"text": _short(_escaped(told.sentence), _SLACK_TEXT), "blocks": blocks}
    return msgspec.json.encode(message | {"unfurl_links": False, "unfurl_media": False})


def _footer(alert: Alert, told: Told) -> str:
    link = f" · <{_escaped(told.link)}|all of its numbers>" if told.link else ""
    return f"{alert.type.value} · {stamp(alert.at)} · {alert.id}{link}"


def _mrkdwn(text: str) -> dict[str, str | bool]:
    """Text in which nothing becomes a link by itself: addresses and names in it may be a stranger's."""
    return {"type": "mrkdwn", "text": _short(text, _SLACK_TEXT), "verbatim": True}


def _escaped(text: str) -> str:
    """Without what would make a link or call somebody (`<!channel>`) in Slack."""
    return text.translate(_SLACK_ESCAPES)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def teams(alert: Alert) -> bytes:
    """The message for a webhook of Teams' Workflows: one Adaptive Card with the facts and a link."""
    told = tell(alert)
    body: list[dict[str, Any]] = [
        _text(told.headline, size="Large", weight="Bolder", color=_COLOURS[told.mood]),
        _text(told.sentence),
    ]
    if told.facts:
        facts = [{"title": _plain(name), "value": _plain(value) or "-"} for name, value in told.facts]
        body.append({"type": "FactSet", "facts": facts})
    body.append(_text(f"{alert.type.value} · {stamp(alert.at)} · {alert.id}", isSubtle=True, size="Small"))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    if told.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "All of its numbers", "url": told.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return msgspec.json.encode({"type": "message", "attachments": [attachment]})


def _text(text: str, **looks: str | bool) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(text), "wrap": True, **looks}


def _plain(text: str) -> str:
    """Without what Markdown would make a link or emphasis of."""
    return _MARKDOWN.sub(r"\\\1", text)
