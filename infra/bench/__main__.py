"""`python -m bench`: see `runner.py`."""

import sys

from bench.runner import main

if __name__ == "__main__":
    main(sys.argv[1:])
