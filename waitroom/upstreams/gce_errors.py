"""What Compute Engine's faults mean: from its words to our reasons, in one line for a person.

Faults come in three ways: as the answer to a request, inside an operation that was taken and
ended badly, and as no answer at all. Pure: values only. Words: the v1 REST reference.
"""

from __future__ import annotations

from collections.abc import Iterable

import requests
from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError, RetryError
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.protobuf import json_format  # type: ignore[import-untyped]  # it ships no types

from waitroom.errors import Reason, UpstreamError
from waitroom.registry.named import GceUpstream

# What the library breaks on where a proxy answers with JSON of its own: {"error": "bad gateway"}.
_FOREIGN = (AttributeError, KeyError, TypeError)
# Whatever the library raises: its own, and what it lets through of the libraries below it.
FAULTS = (
    *_FOREIGN,
    GoogleAPIError,
    GoogleAuthError,
    requests.RequestException,
    json_format.Error,
    OSError,
    ValueError,
)

_RATE_LIMIT = "ratelimitexceeded"
# Parts of a code, in lower case and without underscores: the API writes `quotaExceeded` in an
# answer and `QUOTA_EXCEEDED` in an operation. The first that fits holds.
_REASONS = (
    ("resourcepoolexhausted", Reason.CAPACITY),
    ("stockout", Reason.CAPACITY),
    ("insufficientcapacity", Reason.CAPACITY),
    (_RATE_LIMIT, Reason.UNREACHABLE),
    ("operationrateexceeded", Reason.UNREACHABLE),  # of one VM's operations
    ("quotaexceeded", Reason.QUOTA),
    ("limitexceeded", Reason.QUOTA),
    ("notready", Reason.UNREACHABLE),  # it is changing its state; ask again
    ("notfound", Reason.MISSING),
    ("permission", Reason.PERMISSION),
    ("forbidden", Reason.PERMISSION),
    ("conditionnotmet", Reason.CONDITION),
)
_BY_HTTP_STATUS = {
    401: Reason.CREDENTIALS,
    403: Reason.PERMISSION,
    404: Reason.MISSING,
    408: Reason.UNREACHABLE,
    412: Reason.CONDITION,
    429: Reason.UNREACHABLE,
}
_FIRST_OF_SERVER = 500
_DISABLED = ("accessnotconfigured", "servicedisabled")
_NONE_GIVEN = "Your default credentials were not found"
_NO_CREDENTIALS = (
    "there are no credentials for Google Cloud; set GOOGLE_APPLICATION_CREDENTIALS, or run on a VM"
    " that has a service account"
)


def of_operation(vm: GceUpstream, codes: Iterable[tuple[str, str]]) -> UpstreamError:
    """Say how an operation ended, by its errors (code, message)."""
    found = [*codes, ("", "no reason given")]
    code, message = next((each for each in found if _reason_of([each[0]])), found[0])
    reason = _reason_of([code]) or Reason.FAILED
    return UpstreamError(reason, f"VM {vm.instance!r}: {code or 'failed'}: {_one_line(message)}")


def _of_key(said: str) -> str:
    """Tell a key that can't be used from none; Google's library tells them apart by words alone."""
    if said.startswith(_NONE_GIVEN):
        return _NO_CREDENTIALS
    return f"{_one_line(said).rstrip('.')}; mend GOOGLE_APPLICATION_CREDENTIALS"


def of_call(vm: GceUpstream, error: BaseException) -> UpstreamError:
    """Say why a request was not answered well."""
    if isinstance(error, RetryError) and error.cause:
        return of_call(vm, error.cause)
    if isinstance(error, GoogleAPICallError):
        return _of_answer(vm, error)
    if isinstance(error, DefaultCredentialsError):
        return UpstreamError(Reason.CREDENTIALS, _of_key(str(error.args[0])))
    if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
        text = f"Google Cloud does not take the credentials: {_one_line(str(error))}"
        return UpstreamError(Reason.CREDENTIALS, text)
    said = str(error) or type(error).__name__
    if isinstance(error, _FOREIGN):
        said = "what came is not its answer, but a proxy's"
    text = f"Compute Engine does not answer: {_one_line(said)}"
    return UpstreamError(Reason.UNREACHABLE, text)


def is_passing(error: BaseException) -> bool:
    """Whether the same request may be answered well in a moment: overload, or no answer at all."""
    if isinstance(error, GoogleAPICallError):
        status = error.code or 0
        # Too many calls are a 403, too, and then told by their code alone.
        overloaded = (
            status >= _FIRST_OF_SERVER
            or _BY_HTTP_STATUS.get(status) is Reason.UNREACHABLE
            or any(_RATE_LIMIT in _plain(code) for code in _codes(error))
        )
        return overloaded and _reason_of_answer(error) is Reason.UNREACHABLE
    return not isinstance(error, GoogleAuthError) or isinstance(error, TransportError)


def _of_answer(vm: GceUpstream, error: GoogleAPICallError) -> UpstreamError:
    first = next((each for each in error.errors if isinstance(each, dict)), {})
    said = _one_line(str(first.get("message", error.message)))
    if any(_plain(code) in _DISABLED for code in _codes(error)):
        enable = f"gcloud services enable compute.googleapis.com --project {vm.project}"
        text = f"the Compute Engine API is not enabled in project {vm.project!r}: {enable}"
        return UpstreamError(Reason.PERMISSION, text)
    if "unknown zone" in said.lower():
        text = f"there is no zone {vm.zone!r}; mend it in hosts.yaml"
        return UpstreamError(Reason.MISSING, text)
    reason = _reason_of_answer(error)
    if reason is Reason.MISSING:
        where = f"in zone {vm.zone!r} of project {vm.project!r}"
        text = f"there is no VM {vm.instance!r} {where}; mend it in hosts.yaml, or create it"
        return UpstreamError(reason, text)
    if reason is Reason.CREDENTIALS:
        return UpstreamError(reason, f"Google Cloud got no valid credentials: {said}")
    return UpstreamError(reason, f"VM {vm.instance!r}: {error.code}: {said}")


def _reason_of_answer(error: GoogleAPICallError) -> Reason:
    """Return what its code says, or else its HTTP status; a 429 is too many calls by any code."""
    status = error.code or 0
    if status == requests.codes.too_many_requests:
        return Reason.UNREACHABLE
    by_status = _BY_HTTP_STATUS.get(
        status, Reason.UNREACHABLE if status >= _FIRST_OF_SERVER else Reason.FAILED
    )
    return _reason_of(_codes(error)) or by_status


def _codes(error: GoogleAPICallError) -> list[str]:
    found = [str(each.get("reason", "")) for each in error.errors if isinstance(each, dict)]
    return [*found, error.reason or ""]


def _reason_of(codes: Iterable[str]) -> Reason | None:
    for code in codes:
        plain = _plain(code)
        for part, reason in _REASONS:
            if part in plain:
                return reason
    return None


def _plain(code: str) -> str:
    return code.lower().replace("_", "")


def _one_line(text: str) -> str:
    return " ".join(text.split())
