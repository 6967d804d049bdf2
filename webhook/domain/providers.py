"""Who runs a recipient's mailbox: the families that mailbox providers fall into."""

from functools import lru_cache

OTHER = "other"

# Families named after their best-known domain; a name ending in "." stands for every country's ending.
_FAMILIES = {
    "gmail.com": ("gmail.com", "googlemail.com"),
    "outlook.com": ("outlook.", "hotmail.", "live.", "msn.com", "passport.com"),
    "yahoo.com": ("yahoo.", "ymail.com", "rocketmail.com", "myyahoo.com"),
    "aol.com": ("aol.", "aim.com", "verizon.net"),
    "icloud.com": ("icloud.com", "me.com", "mac.com"),
    "gmx.net": ("gmx.",),
    "web.de": ("web.de",),
    "t-online.de": ("t-online.de", "magenta.de"),
    "orange.fr": ("orange.fr", "wanadoo.fr"),
    "mail.ru": ("mail.ru", "bk.ru", "inbox.ru", "list.ru"),
    "yandex.ru": ("yandex.", "ya.ru"),
    "qq.com": ("qq.com", "foxmail.com"),
    "163.com": ("163.com", "126.com", "yeah.net"),
    "proton.me": ("proton.me", "protonmail.com", "pm.me"),
    "comcast.net": ("comcast.net", "xfinity.com"),
}
_EXACT = {name: family for family, names in _FAMILIES.items() for name in names if not name.endswith(".")}
_ANY_ENDING = {name: family for family, names in _FAMILIES.items() for name in names if name.endswith(".")}


@lru_cache(maxsize=65536)
def provider_of(domain: str) -> str:
    """The family's name for a recipient's domain, or `other`.

    >>> provider_of("hotmail.co.uk")
    'outlook.com'
    """
    return _EXACT.get(domain) or _ANY_ENDING.get(domain.partition(".")[0] + ".") or OTHER
