"""SES Sentinel keeps every customer domain of an Amazon SES platform in good standing."""

__version__ = "0.1.0"
