"""Who calls, what is left out, and what must hold besides Schemathesis's own checks: for `cargo xtask conform`."""

import atexit
import collections
import os
import re
import time
import unicodedata
import uuid

import requests
import schemathesis

ADDRESS = os.environ["CONFORM_ADDRESS"]
CALLER = os.environ["CONFORM_CALLER"]
# Whether the session is in a browser's cookies.
IN_BROWSER = "CONFORM_IN_BROWSER" in os.environ
CREDENTIALS = {"email": os.environ.get("CONFORM_EMAIL"), "password": os.environ.get("CONFORM_PASSWORD")}
# The accounts of all callers.
CALLERS = set(os.environ["CONFORM_CALLERS"].split(","))

# Sooner than an access token expires, or a browser's session that is not used.
SESSION_LASTS_SECONDS = 600

session = None
signed_in_at = None


def sign_in():
    global session, signed_in_at
    if session is None or time.monotonic() - signed_in_at > SESSION_LASTS_SECONDS:
        path, headers = ("/v1/web/sessions", {"Origin": ADDRESS}) if IN_BROWSER else ("/v1/sessions", {})
        session = requests.post(f"{ADDRESS}{path}", json=CREDENTIALS, headers=headers, timeout=10)
        session.raise_for_status()
        signed_in_at = time.monotonic()
    return session


if CREDENTIALS["email"]:

    @schemathesis.auth(refresh_interval=None)
    class SignedIn:
        def get(self, case, context):
            return sign_in()

        def set(self, case, data, context):
            if IN_BROWSER:
                # A made-up one would count instead of the cookie.
                case.headers.pop("Authorization", None)
                case.cookies.update(data.cookies.get_dict())
                case.headers.update({"Origin": ADDRESS, "X-CSRF-Token": data.json()["csrf_token"]})
            else:
                case.headers["Authorization"] = f"Bearer {data.json()['access_token']}"


@schemathesis.hook
def before_call(context, case, kwargs):
    # A caller that is disabled, or gets another role, would be refused everything from then on. That this works, the
    # black-box tests show.
    of_account = case.operation.path.startswith("/v1/admin/users/")
    if of_account and case.method != "GET" and str(case.path_parameters.get("id")).lower() in CALLERS:
        case.path_parameters["id"] = str(uuid.uuid4())


calls = collections.Counter()


@schemathesis.hook
def after_call(context, case, response):
    global session
    calls[response.status_code] += 1
    if code_of(response) == "session-revoked" or is_of_ended_browser_session(case, response):
        # It has ended its own session: the next call is made in another one.
        session = None


def is_of_ended_browser_session(case, response):
    """Of a cookie that does not count any more, a response says no more than if there was none."""
    if not IN_BROWSER or session is None or response.status_code != 401:
        return False
    return (case.cookies or {}).get("__Host-session") == session.cookies["__Host-session"]


@atexit.register
def summarize():
    statuses = ", ".join(f"{count} times {status}" for status, count in sorted(calls.items()))
    print(f"{CALLER}: {calls.total()} calls; {statuses}")


def problem_of(response):
    if response.headers.get("content-type", [""])[0].startswith("application/problem+json"):
        return response.json()
    return {}


def code_of(response):
    return problem_of(response).get("code")


# What no schema can state: what there is, who asks, and what came before.
ONLY_THE_SERVER_KNOWS = {
    "account-locked",
    "idempotency-key-reused",
    "invalid-cursor",
    "invalid-selection",
    "unknown-item",
}
# The same of a value.
ONLY_THE_SERVER_KNOWS_OF_VALUES = {
    # What there is.
    *{f"unknown-{what}" for what in ("item", "option", "option-group", "station", "supply", "time-zone", "token")},
    *{"expired-token", "foreign-token", "outdated-token", "spent-token"},
    *{"not-counted", "not-offered", "taken"},
    # The deployment's.
    "wrong-currency",
    # What values say together.
    *{"contradiction", "repeated", "too-early", "too-few-options", "too-late", "too-personal"},
    # More than a pattern: lists of passwords, the calendar, Unicode's categories, the grammar of mail addresses.
    *{"too-common", "malformed", "invisible-character", "unusable-character", "not-an-email-address"},
}


# What the document says in words: money and amounts have one schema for all that has them, because a schema of its own
# for each would give generated clients a type of its own for each; of two members one is enough; how many intervals a
# report has, three parameters say together; and where its years begin and end is up to the time zone, and to `from`,
# which is 30 days before `to` unless given.
SAID_IN_WORDS = [
    ("out-of-range", re.compile(r"/(delta|supply/amount|amount/amount)$")),
    ("out-of-range", re.compile(r"^/\d+/min$")),
    ("out-of-range", re.compile(r"^/interval$")),
    ("missing", re.compile(r"^/delta$")),
]
AT_THE_END_OF_THE_CALENDAR = ("out-of-range", re.compile(r"^/(from|to|created_from|created_to)$"))
FIRST_AND_LAST_YEAR = ("0001-", "9998-")


def shows_nothing(case, pointer):
    """Whether the text in the body consists of what nobody sees. A name and a note must show something, and what does
    is a matter of Unicode's categories."""
    value = case.body
    for part in pointer.split("/")[1:]:
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return False
    return isinstance(value, str) and all(unicodedata.category(character)[0] in "ZCM" for character in value)


def is_said_in_words(error, case):
    code, pointer = error
    if code == "too-short" and shows_nothing(case, pointer):
        return True
    times = [str(value) for name, value in (case.query or {}).items() if name.endswith(("from", "to"))]
    is_at_the_end = any(time.startswith(FIRST_AND_LAST_YEAR) for time in times)
    said = [*SAID_IN_WORDS, AT_THE_END_OF_THE_CALENDAR] if is_at_the_end else SAID_IN_WORDS
    return any(code == known and place.search(pointer) for known, place in said)


@schemathesis.check
def valid_data_is_refused_for_what_no_schema_states(ctx, response, case):
    """What the document calls valid is not refused for what the document could say."""
    generation = case.meta.generation if case.meta else None
    if generation is None or not generation.mode.is_positive or response.status_code not in (400, 422):
        return
    problem = problem_of(response)
    if problem.get("code") in ONLY_THE_SERVER_KNOWS or case.operation.path == "/v1/webhooks/stripe":
        # Events are signed.
        return
    if "If-Match" in problem.get("detail", ""):
        # Border cases of headers are made without their pattern.
        return
    found = [(error["code"], error["pointer"]) for error in problem.get("errors", [])]
    known = ONLY_THE_SERVER_KNOWS_OF_VALUES
    unforeseen = [error for error in found if error[0] not in known and not is_said_in_words(error, case)]
    if unforeseen or not found:
        raise AssertionError(f"The document could say this: {problem.get('code')} {unforeseen} {problem.get('detail')}")
