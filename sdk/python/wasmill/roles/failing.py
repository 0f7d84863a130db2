"""What a handler raises, as the contract's failure."""

from collections.abc import Callable

from componentize_py_types import Err
from wit_world.imports import types

from wasmill.errors import Reject, RetryAfter, describe


def failing(function: Callable[[], object]) -> None:
    """Calls the author's function, which may fail."""
    try:
        function()
    except MemoryError:
        # What is left of the memory is in pieces: the trap brings a fresh instance.
        raise
    except Exception as error:
        raise Err(_failure(error)) from None


def _failure(error: Exception) -> types.Failure:
    cause = describe(error)
    if isinstance(error, Reject):
        return types.Failure_Reject(cause)
    if isinstance(error, RetryAfter):
        return types.Failure_RetryAfter(types.RetryLater(error.delay, cause))
    return types.Failure_Retry(cause)
