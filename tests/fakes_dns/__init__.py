"""DNS servers on this machine: name servers with zones that are wrong in all the ways people get them wrong."""
