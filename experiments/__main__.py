"""The command line: `python -m experiments list | status | run | report | verify | publish | play | bench`."""

import sys

from .lib import places
from .lib.engine import stopping, streams


def main() -> None:
    """Runs one command; exits 0, or 1 (the machine), 2 (the command), 130 or 143 (stopped) after one sentence."""
    streams.make_harmless()
    stopping.leave_on_signals()
    try:
        from .lib.cli import main as command_line  # after that: these imports take a second
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in (__package__, "nalu"):
            raise
        how = "`make` installs it" if places.CHECKOUT else places.installing("experiments")
        sys.exit(f"experiments: {error.name} is not installed: it comes with the extra `experiments` ({how}).")
    except ValueError as error:  # of JAX or Flax, which read their variables as they are imported
        from .lib.engine import environment

        if (sentence := environment.explain(error)) is None:
            raise
        print(f"experiments: {sentence}", file=sys.stderr)
        sys.exit(2)

    sys.exit(command_line.answer(sys.argv[1:]))


if __name__ == "__main__":
    main()
