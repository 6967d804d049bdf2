"""django-ses behind its own view, one durable row per event; `python django_ses_site.py DATABASE` makes the table.

Runs under the interpreter of the peer's own virtual environment; gunicorn calls `application(…)`.
"""

import importlib
import sqlite3
import sys

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

ENGINE = "django.db.backends.sqlite3"
TABLE = """
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mail_id VARCHAR(100) NOT NULL, kind VARCHAR(20) NOT NULL,
    domain VARCHAR(255) NOT NULL, recipient VARCHAR(320) NOT NULL, happened_at VARCHAR(40) NOT NULL,
    UNIQUE (mail_id, kind, recipient))
"""


def make_database(path: str) -> None:
    """An empty database."""
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE)


def application(database: str, pragmas: str, topic: str, certificate_url: str, certificate: str) -> WSGIHandler:
    """The WSGI application; signatures are verified, and 200 is sent after the row is committed."""
    options = {
        "init_command": pragmas,
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
    }
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="django_ses_receivers",
        USE_TZ=True,
        INSTALLED_APPS=["django_ses"],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        DATABASES={"default": {"ENGINE": ENGINE, "NAME": database, "CONN_MAX_AGE": None, "OPTIONS": options}},
        AWS_SES_VERIFY_EVENT_SIGNATURES=True,
        AWS_SNS_EVENT_TRUSTED_TOPIC_ARNS=[topic],
    )
    django.setup()
    importlib.import_module("django_ses_receivers").warm_certificate(certificate_url, certificate)
    return get_wsgi_application()


if __name__ == "__main__":
    make_database(sys.argv[1])
