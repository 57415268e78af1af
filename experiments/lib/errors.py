"""What a user did or met that stops the work, said in one sentence with its remedy."""


class UserError(Exception):
    """Ends the program with its one sentence on standard error, without a traceback.

    Attributes:
      status: the exit status: 2 where the command or a config is at fault, 1 where the machine is.
    """

    def __init__(self, sentence: str, *, status: int = 1):
        super().__init__(sentence)
        self.status = status


def usage_error(sentence: str) -> UserError:
    """Returns the error for a command or a config that asks for something impossible."""
    return UserError(sentence, status=2)
