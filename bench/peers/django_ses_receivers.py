"""What an application adds to django-ses: a model, the receivers of its signals, and the route.

Imported once Django's settings stand.
"""

from pathlib import Path as File
from typing import Any

from cryptography import x509
from django.db import models, transaction
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django_ses import signals, utils
from django_ses.views import SESEventWebhookView


class Event(models.Model):
    """One row per mail, recipient and what befell it."""

    mail_id = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    domain = models.CharField(max_length=255)
    recipient = models.CharField(max_length=320)
    happened_at = models.CharField(max_length=40)

    class Meta:
        """Lives in the table that was made before the server started."""

        app_label = "bench"
        db_table = "event"


def warm_certificate(url: str, file: str) -> None:
    """Put into django-ses' cache what its first fetch would leave there: Amazon does not serve a benchmark's key."""
    cache = vars(utils)["_CERT_CACHE"]
    cache[url] = x509.load_pem_x509_certificate(File(file).read_bytes())


def keep(kind: str, mail: dict[str, Any], recipient: str, happened_at: str) -> None:
    """Commit one row."""
    domain = mail["sourceArn"].partition("identity/")[2]
    with transaction.atomic():
        Event.objects.create(
            mail_id=mail["messageId"], kind=kind, domain=domain, recipient=recipient, happened_at=happened_at
        )


def bounced(mail_obj: dict[str, Any], bounce_obj: dict[str, Any], **_: object) -> None:
    """Keep every recipient of a bounce."""
    for each in bounce_obj["bouncedRecipients"]:
        keep("bounce", mail_obj, each["emailAddress"], bounce_obj["timestamp"])


def delivered(mail_obj: dict[str, Any], delivery_obj: dict[str, Any], **_: object) -> None:
    """Keep every recipient of a delivery."""
    for each in delivery_obj["recipients"]:
        keep("delivery", mail_obj, each, delivery_obj["timestamp"])


def sent(mail_obj: dict[str, Any], **_: object) -> None:
    """Keep every recipient of a mail that was accepted."""
    for each in mail_obj["destination"]:
        keep("send", mail_obj, each, mail_obj["timestamp"])


signals.bounce_received.connect(bounced)
signals.delivery_received.connect(delivered)
signals.send_received.connect(sent)
urlpatterns = [path("webhooks/sns", csrf_exempt(SESEventWebhookView.as_view()))]
