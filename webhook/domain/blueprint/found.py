"""A piece of the blueprint as it is there."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Found(Struct, frozen=True, kw_only=True):
    """A piece as it is there, in the shape of a blueprint's properties.

    `managed`: it bears our tags, with the name of this installation. `reference` is how the API names it (a queue's
    address, a subscription's ARN). `pending`: a subscription that nobody has confirmed yet; its properties can't be
    read before. `remarks` are sentences about it that somebody should read before it is deleted.
    """

    properties: Mapping[str, Any]
    managed: bool = False
    reference: str = ""
    pending: bool = False
    remarks: tuple[str, ...] = ()
