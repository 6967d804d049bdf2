"""Asking DNS: the name servers of a domain themselves, and public resolvers."""
