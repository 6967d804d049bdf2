"""What receivers of each kind are sent: the same alert as JSON for programs, and as sentences for people."""
