"""``python -m logyard.feed``: the service, shown at work."""

import sys

from logyard.feed.demo import main

if __name__ == "__main__":
    sys.exit(main(sys.stdout))
