"""What can go wrong with a benchmark for a reason worth telling."""


class BenchError(Exception):
    """Any error that a benchmark raises on purpose; the message is one plain sentence."""


class NotAvailable(BenchError):
    """This cannot be measured on this machine; the message says why, and stands in the table in place of numbers."""


class Dishonest(BenchError):
    """A server answered 200 to what it should not have: its numbers would mean nothing."""
