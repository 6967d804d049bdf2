"""DNS as SES and receivers need it: expected records, what was found, and the mistakes that are told from it. Pure."""
