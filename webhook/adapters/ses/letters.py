"""A mail to send as SES takes it."""

from typing import Any

from webhook.domain.ses import Outgoing


def request_of(mail: Outgoing) -> dict[str, Any]:
    """The arguments of SendEmail."""
    people = {"ToAddresses": mail.to, "CcAddresses": mail.cc, "BccAddresses": mail.bcc}
    request: dict[str, Any] = {
        "FromEmailAddress": mail.source,
        "Destination": {name: list(addresses) for name, addresses in people.items() if addresses},
        "Content": {"Raw": {"Data": mail.raw}} if mail.raw is not None else {"Simple": _simple(mail)},
        "ReplyToAddresses": list(mail.reply_to),
        "EmailTags": [{"Name": name, "Value": value} for name, value in mail.tags.items()],
        "ConfigurationSetName": mail.configuration_set,
        "TenantName": mail.tenant,
    }
    return {name: value for name, value in request.items() if value}


def _simple(mail: Outgoing) -> dict[str, Any]:
    bodies = {"Text": mail.text, "Html": mail.html}
    return {
        "Subject": _content(mail.subject),
        "Body": {name: _content(body) for name, body in bodies.items() if body is not None},
    }


def _content(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
