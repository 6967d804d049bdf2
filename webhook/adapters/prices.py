"""The file of prices: the one that comes with this, or the operator's own."""

from pathlib import Path

from webhook.domain.prices import PriceList
from webhook.errors import Misconfigured

#: What comes with this.
SHIPPED = Path(__file__).parent.parent / "prices.toml"


def load_prices(path: Path | None = None) -> PriceList:
    """The prices in this file, or those that come with this; raises Misconfigured if they can't be used."""
    file = path or SHIPPED
    try:
        return PriceList.from_toml(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8 text"
        raise Misconfigured(f"PRICES_FILE cannot be read ({why}): {file}") from error
    except ValueError as error:
        raise Misconfigured(f"PRICES_FILE is no list of prices like webhook/prices.toml: {error} ({file})") from error
