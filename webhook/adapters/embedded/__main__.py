"""`python -m webhook.adapters.embedded DATA_DIR LOCK [MONGOD]`: the guardian process."""

import sys

from webhook.adapters.embedded.guardian import main

sys.exit(main(sys.argv[1:]))
