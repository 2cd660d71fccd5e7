"""Short retries of reads: seconds inside one call; minutes to days belong to the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from ingestd.remote.contract import Failed, Refusal

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    import tenacity

    from ingestd.remote.envelope import Answer

_TRIES: Final = 3
_FIRST_WAIT: Final = 0.2  # seconds, doubled each time, below one
_TRANSIENT_CODE: Final = "1"  # "network abnormal": one quick retry usually helps (contract 5.3)


def with_retries(read: Callable[[], Answer | Failed], closing: threading.Event) -> Answer | Failed:
    """Repeat a read that failed for a passing reason; gives the last result.

    Args:
        read: Called at most three times.
        closing: Ends the waiting, and with it the tries.
    """
    import tenacity  # noqa: PLC0415 - brings asyncio with it: only who talks pays for it

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(_TRIES) | tenacity.stop_when_event_set(closing),
        wait=tenacity.wait_exponential(multiplier=_FIRST_WAIT, max=1.0),
        sleep=tenacity.sleep_using_event(closing),
        retry=tenacity.retry_if_result(_is_passing),
        retry_error_callback=_last_result,
        reraise=True,
    )
    return retrying(read)


def _is_passing(result: Answer | Failed) -> bool:
    if not isinstance(result, Failed):
        return False
    trouble = result.trouble
    return trouble.kind is Refusal.UNREACHABLE or trouble.code == _TRANSIENT_CODE


def _last_result(state: tenacity.RetryCallState) -> Answer | Failed:
    finished = cast("tenacity.Future", state.outcome)  # set once a try was made
    result: Answer | Failed = finished.result()
    return result
