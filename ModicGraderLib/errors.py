"""The three ways a run ends early."""


class InputError(ValueError):
    """The input or the call is wrong. The message is one sentence that says what, and how to mend it."""


class ModelError(RuntimeError):
    """A model file is missing, damaged or of another version. The message says how to get it back."""


class Cancelled(Exception):
    """The user cancelled the run. Nothing was written, unless the message says what was."""
