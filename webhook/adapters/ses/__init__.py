"""Amazon SES, spoken to through its version 2 API."""

from webhook.adapters.ses.client import SesApi

__all__ = ["SesApi"]
