"""A real MongoDB beside the product, for whoever has none: one instance for all processes of a DATA_DIR.

`running` is for its users. The first of them starts a guardian, a detached process which keeps mongod up and stops it
when the last user has gone, however that user ended.
"""

from webhook.adapters.embedded.users import running

__all__ = ["running"]
