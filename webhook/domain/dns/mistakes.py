"""The mistakes that people make in DNS, each with a code and with what to change, in plain words."""

from enum import StrEnum

from msgspec import Struct


class Mistake(StrEnum):
    """What is wrong with a record; the codes of the public contract."""

    RECORD_MISSING = "record_missing"
    DOUBLED_DOMAIN = "doubled_domain"
    WRONG_LABEL = "wrong_label"
    SUBDOMAIN_LEFT_OUT = "subdomain_left_out"
    PROXIED = "proxied"
    FLATTENED = "flattened"
    ADDRESS_INSTEAD = "address_instead_of_cname"
    TEXT_INSTEAD = "text_instead_of_cname"
    WILDCARD = "wildcard"
    DOMAINKEY_DELEGATED = "domainkey_delegated"
    TARGET_DOUBLED = "target_doubled"
    STRAY_CHARACTERS = "stray_characters"
    WRONG_REGION = "wrong_region"
    TOKENS_SWAPPED = "tokens_swapped"
    OLD_REGISTRATION = "old_registration"
    TARGET_TYPO = "target_typo"
    WRONG_TARGET = "wrong_target"
    SEVERAL_CNAMES = "several_cnames"
    MAIL_FROM_CNAME = "mail_from_cname"
    SEVERAL_MX = "several_mx"
    WRONG_MX = "wrong_mx"
    INBOUND_MX = "inbound_mx"
    MX_IS_ADDRESS = "mx_is_address"
    SPF_SEVERAL = "spf_several"
    SPF_RECORD_TYPE = "spf_record_type"
    SPF_SYNTAX = "spf_syntax"
    SPF_WITHOUT_SES = "spf_without_ses"
    SPF_AFTER_ALL = "spf_after_all"
    SPF_ALLOWS_ALL = "spf_allows_all"
    SPF_TOO_MANY_LOOKUPS = "spf_too_many_lookups"
    SPF_VOID_LOOKUPS = "spf_void_lookups"
    SPF_INCLUDE_BROKEN = "spf_include_broken"
    DMARC_MISSING = "dmarc_missing"
    DMARC_MISPLACED = "dmarc_misplaced"
    DMARC_SEVERAL = "dmarc_several"
    DMARC_SYNTAX = "dmarc_syntax"
    DMARC_UNAUTHORISED = "dmarc_reports_unauthorised"
    DMARC_NO_REPORTS = "dmarc_no_reports"
    DMARC_NONE = "dmarc_none"
    STALE_CACHE = "stale_cache"
    NEGATIVE_CACHE = "negative_cache"
    SERVERS_DISAGREE = "servers_disagree"
    SERVER_LAME = "server_lame"
    SERVERS_UNREACHABLE = "servers_unreachable"
    SERVERS_PRIVATE = "servers_private"
    RESOLVERS_UNREACHABLE = "resolvers_unreachable"
    TOO_SLOW = "too_slow"
    DOMAIN_NOT_FOUND = "domain_not_found"
    DNSSEC_BOGUS = "dnssec_bogus"
    NOT_REGISTERED = "not_registered"
    REGION_UNKNOWN = "region_unknown"


#: Worth a word, but nothing is broken.
NOTES = frozenset({Mistake.DMARC_NONE, Mistake.DMARC_NO_REPORTS})

#: `{name}`, `{type}` and `{expected}` are the record's, `{label}` its name as it is typed at a DNS host that adds the
#: zone by itself, `{host}` begins " at" a DNS host or is empty; the others are given with the hit.
ADVICE: dict[Mistake, str] = {
    Mistake.RECORD_MISSING: "Add a {type} record named {name} (enter {label} as its name{host}) with the value "
    "{expected}.",
    Mistake.DOUBLED_DOMAIN: "The record stands at {found}: your DNS host adds {zone} by itself. Change the record's "
    "name to {label}{host}.",
    Mistake.WRONG_LABEL: "The record stands at {found}. Change its name to {name} (enter {label}{host}).",
    Mistake.SUBDOMAIN_LEFT_OUT: "The record stands at {found}, without the subdomain. Change its name to {name} "
    "(enter {label}{host}).",
    Mistake.PROXIED: "{owner} answers with its proxy's addresses instead of the CNAME. Switch the proxy off for this "
    "record (“DNS only”) and keep the value {expected}.",
    Mistake.FLATTENED: "Your DNS host answers with the key that the CNAME leads to instead of the CNAME itself. Switch "
    "flattening off for {name}, or replace the TXT record by a CNAME to {expected}.",
    Mistake.ADDRESS_INSTEAD: "There is an address (type {found_type}) instead of a CNAME. Delete it and add a CNAME "
    "record {name} with the value {expected}.",
    Mistake.TEXT_INSTEAD: "There is a {found_type} record instead of a CNAME. Delete it and add a CNAME record {name} "
    "with the value {expected}.",
    Mistake.WILDCARD: "Only a wildcard record answers for this name. Add the {type} record {name} itself, with the "
    "value {expected}; it goes before the wildcard.",
    Mistake.DOMAINKEY_DELEGATED: "{cut} is handed to other name servers ({servers}), so what you enter for {name} is "
    "not seen. Delete the NS records of {cut}, or add the record at those servers.",
    Mistake.TARGET_DOUBLED: "Your DNS host added {suffix} to the value. Enter it with a dot at its end: “{expected}.”",
    Mistake.STRAY_CHARACTERS: "The value holds characters that do not belong there ({found}), such as quotes, spaces "
    "or a pasted “https://”. Change it to {expected}.",
    Mistake.WRONG_REGION: "The value is that of another AWS region ({found}). Change it to {expected}.",
    Mistake.TOKENS_SWAPPED: "The value is that of another of the three DKIM records. Change it to {expected}: name and "
    "value begin with the same token.",
    Mistake.OLD_REGISTRATION: "The value is the token of an earlier registration, or of another account or region. "
    "Change it to {expected}.",
    Mistake.TARGET_TYPO: "The value is misspelt ({found}). Change it to {expected}.",
    Mistake.WRONG_TARGET: "The record points to {found}. Change its value to {expected}.",
    Mistake.SEVERAL_CNAMES: "There are {count} CNAME records of this name, and only one is allowed. Keep the one with "
    "the value {expected}.",
    Mistake.MAIL_FROM_CNAME: "{name} is a CNAME to {found}, which hides its MX and TXT records. Delete the CNAME and "
    "add the {type} record with the value {expected}.",
    Mistake.SEVERAL_MX: "There are {count} MX records, and SES wants exactly one. Keep {expected} and delete the "
    "others; a MAIL FROM domain receives no other mail.",
    Mistake.WRONG_MX: "The MX record points to {found}. Change it to {expected}; if {name} receives mail, choose "
    "another MAIL FROM domain.",
    Mistake.INBOUND_MX: "{found} is SES's host for receiving mail; bounces go to the feedback host. Change the MX "
    "record to {expected}.",
    Mistake.MX_IS_ADDRESS: "The MX record holds an IP address ({found}), and it must hold a host name. Change it to "
    "{expected}.",
    Mistake.SPF_SEVERAL: "There are {count} SPF records, and receivers then use none. Join them into one: {joined}",
    Mistake.SPF_RECORD_TYPE: "The SPF record is of type SPF, which nobody reads any more (RFC 7208, 3.1). Add it as a "
    "TXT record: {found}",
    Mistake.SPF_SYNTAX: "The SPF record cannot be read: {problem}. {remedy}.",
    Mistake.SPF_WITHOUT_SES: "The SPF record does not let SES send. Add include:amazonses.com to it, before its all: "
    "{suggested}",
    Mistake.SPF_AFTER_ALL: "In the SPF record, {term} stands after {all} and is never read. Move {all} to the end.",
    Mistake.SPF_ALLOWS_ALL: "The SPF record ends with {all}, which lets anybody send in this name. Change {all} to "
    "~all.",
    Mistake.SPF_TOO_MANY_LOOKUPS: "The SPF record needs {count} look-ups, and receivers stop at 10 (RFC 7208, 4.6.4). "
    "Remove what is not used; most come from {most}.",
    Mistake.SPF_VOID_LOOKUPS: "{count} names in the SPF record do not exist, and receivers stop at more than 2 (RFC "
    "7208, 4.6.4). Remove {names}.",
    Mistake.SPF_INCLUDE_BROKEN: "The SPF record includes {found}, which has no SPF record of its own, so all of it "
    "fails. Remove include:{found} or correct its name.",
    Mistake.DMARC_MISSING: "There is no DMARC record; Gmail and Yahoo want one of bulk senders. Add a TXT record named "
    "{name} (enter {label}{host}) with the value {expected}",
    Mistake.DMARC_MISPLACED: "The DMARC record stands at {found}, where nobody looks. Change its name to {name} (enter "
    "{label}{host}).",
    Mistake.DMARC_SEVERAL: "There are {count} DMARC records, and receivers then use none. Keep one of them.",
    Mistake.DMARC_SYNTAX: "The DMARC record cannot be read: {problem}. {remedy}.",
    Mistake.DMARC_UNAUTHORISED: "Reports to {found} are not sent, since {owner} does not say that it takes them. Ask "
    "its operator for a TXT record {record} with the value v=DMARC1, or change rua.",
    Mistake.DMARC_NO_REPORTS: "It works, but nobody gets the reports. Add rua=mailto: with an address that reads them.",
    Mistake.DMARC_NONE: "It works, and only watches (p=none). Once the reports show that all your mail passes, change "
    "it to p=quarantine.",
    Mistake.STALE_CACHE: "The record is right, but resolvers still remember the old one ({found}). Nothing to change: "
    "look again at {again}.",
    Mistake.NEGATIVE_CACHE: "The record is right, but resolvers still remember that there was none. Nothing to change: "
    "look again at {again}.",
    Mistake.SERVERS_DISAGREE: "Of the zone's name servers, {old} still have something else ({found}). If you changed "
    "it just now, look again at {again}; if it stays so, ask your DNS host why these servers do not follow.",
    Mistake.SERVER_LAME: "The name server {found} of {zone} does not serve it ({how}). Have it set up there, or delete "
    "its NS record at your registrar and in the zone.",
    Mistake.SERVERS_UNREACHABLE: "No name server of {zone} serves it ({servers}), so nobody can see the record. Check "
    "at your registrar that these are the name servers of your DNS host, and that the domain is set up there.",
    Mistake.SERVERS_PRIVATE: "The name servers of {zone} have private addresses, which the internet cannot reach. Use "
    "name servers with public addresses.",
    Mistake.RESOLVERS_UNREACHABLE: "No DNS resolver answered us, so nothing is known. Try again in a minute; if it "
    "stays so, let this service reach its DNS_RESOLVERS on port 53.",
    Mistake.TOO_SLOW: "The time was over before the name servers of {zone} had been asked, so nothing is known. Try "
    "again in a minute.",
    Mistake.DOMAIN_NOT_FOUND: "{zone} does not know the domain: it is not registered, or has expired. Check its "
    "spelling, or renew it at your registrar.",
    Mistake.DNSSEC_BOGUS: "Resolvers refuse the record, since the zone's DNSSEC signatures do not fit. Delete the DS "
    "record at your registrar, or put there the one that your DNS host shows now.",
    Mistake.NOT_REGISTERED: "The domain is not registered with SES, so its DKIM records are not known and were not "
    "looked at. Add the domain first (POST /api/email-domains).",
    Mistake.REGION_UNKNOWN: "No AWS region is set, so the record's value is not known. Set AWS_SDK_REGION.",
}


class Hit(Struct, frozen=True):
    """A mistake that was found, what was seen there (None: what the server answered), and what its advice speaks of."""

    mistake: Mistake
    fields: dict[str, str] = {}
    observed: str | None = None


def hit(mistake: Mistake, *, observed: str | None = None, **fields: object) -> Hit:
    """A mistake with the fields of its advice."""
    return Hit(mistake, {name: str(value) for name, value in fields.items()}, observed)
