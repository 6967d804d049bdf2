"""What a WSGI server serves: `gunicorn -c gunicorn.conf.py wsgi:app`."""

from webhook.web.app import create_app

app = create_app()
