"""Sending an alert by e-mail through SES: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html."""

from email.message import EmailMessage

from webhook.adapters.destinations.aws import Aws
from webhook.domain.delivery_errors import Answer


class SesMailer:
    """Hands mails to SES, in the account and region that all else uses."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def __call__(self, message: EmailMessage, sender: str, recipient: str) -> Answer:
        """One SendEmail; raises DeliveryFailed if SES does not take it."""
        parameters = {
            "FromEmailAddress": sender,
            "Destination": {"ToAddresses": [recipient]},
            "Content": {"Raw": {"Data": message.as_bytes()}},
        }
        told, ms = self._aws.call("sesv2", None, "send_email", parameters)
        return Answer(200, None, ms, f"MessageId {told['MessageId']}")
