"""The way to AWS: one place where it is asked, at the account's pace, and its errors put in plain words."""

from webhook.amazon.access import Access
from webhook.amazon.caller import Amazon, Reserve

__all__ = ["Access", "Amazon", "Reserve"]
