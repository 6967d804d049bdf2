"""Verifying what Amazon SNS posts: `Verifier` with its `Certificates`, which a `Fetcher` gets."""

from webhook.adapters.sns.certificates import Certificate, Certificates
from webhook.adapters.sns.fetcher import Answer, Fetch, Fetcher
from webhook.adapters.sns.verifier import Verifier

__all__ = ["Answer", "Certificate", "Certificates", "Fetch", "Fetcher", "Verifier"]
