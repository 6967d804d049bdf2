"""What AWS's clients and AWS say to each other over HTTP, in the four protocols that its services speak.

    asked = read(received)                  # which service, region and operation, and with which arguments
    write(asked, {"TopicArn": arn})         # the answer as that service writes it
    refuse(asked, Failure("NotFound", 404)) # and its refusal

Shapes are those that botocore's own descriptions of the services give; an answer that does not fit them is an error.
"""

from tests.fakes.ses.wire.asked import LOOKING, Asked, Received, Reply, Unreadable
from tests.fakes.ses.wire.protocols import read, refuse, write

__all__ = ["LOOKING", "Asked", "Received", "Reply", "Unreadable", "read", "refuse", "write"]
