"""What can happen, as typed events: one per recipient where SES names recipients. Events are past participles."""

from datetime import datetime

from msgspec import Struct


class MailEvent(Struct, frozen=True, gc=False):
    """Something that befell a mail, at `at`."""

    at: datetime


class Sent(MailEvent, frozen=True, gc=False):
    """SES took the mail for all its recipients."""


class Delivered(MailEvent, frozen=True, gc=False):
    """The recipient's mail server took it."""

    recipient: str
    answer: str


class Delayed(MailEvent, frozen=True, gc=False):
    """Not delivered yet; SES keeps trying. `type` is the `delayType`."""

    recipient: str
    type: str
    answer: str


class Bounced(MailEvent, frozen=True, gc=False):
    """A final bounce: `type` is Permanent, Transient or Undetermined; `code` the SMTP answer, `550 5.7.1`."""

    recipient: str
    type: str
    subtype: str
    code: str
    answer: str


class HeldBack(MailEvent, frozen=True, gc=False):
    """SES did not try: the recipient is on a list of ours, failed validation or has unsubscribed."""

    recipient: str
    subtype: str


class Complained(MailEvent, frozen=True, gc=False):
    """A recipient called it spam, or took that back (type `not-spam`). `recipient` is SES's guess, or ""."""

    feedback_id: str
    type: str
    subtype: str
    recipient: str


class Opened(MailEvent, frozen=True, gc=False):
    """A recipient's program loaded the tracking image."""


class Clicked(MailEvent, frozen=True, gc=False):
    """A recipient followed a tracked link."""

    link: str


class Rejected(MailEvent, frozen=True, gc=False):
    """SES found it unfit to send."""

    reason: str


class RenderingFailed(MailEvent, frozen=True, gc=False):
    """Its template could not be filled in, so nothing was sent."""

    reason: str


class PreferenceChanged(MailEvent, frozen=True, gc=False):
    """A recipient changed a subscription through SES's list management."""

    contact_list: str


class IdentityEvent(Struct, frozen=True, gc=False):
    """Something AWS says of an identity or tenant: a hint to look at the true state. `id` is AWS's event id."""

    id: str
    at: datetime
    domain: str
    detail: str


class AdviceChanged(IdentityEvent, frozen=True, gc=False):
    """Virtual Deliverability Manager opened or closed a recommendation."""


class SendingStatusChanged(IdentityEvent, frozen=True, gc=False):
    """SES paused or reinstated sending."""


class HealthReported(IdentityEvent, frozen=True, gc=False):
    """AWS Health told of SES: the only push for DKIM and MAIL FROM states."""


class ApiCalled(IdentityEvent, frozen=True, gc=False):
    """Somebody changed an identity through SES's API."""


class TopicConfirmed(Struct, frozen=True, gc=False):
    """SES proves that it may publish to this topic."""


class MailReceived(Struct, frozen=True, gc=False):
    """Incoming mail, which is none of this product's business."""


Event = MailEvent | IdentityEvent | TopicConfirmed | MailReceived
