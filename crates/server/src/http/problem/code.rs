//! Every code a problem can have, with its status and the words of its page.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($variant:ident = $status:ident, $code:literal, $title:literal, $meaning:literal;)+) => {
        /// What went wrong, by a name that never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($variant),+ }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == name)
            }

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// For the page that `type` points at.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }
        }
    };
}

codes! {
    InvalidRequest = BAD_REQUEST, "invalid-request", "The request is malformed",
        "The body is not JSON, a field has the wrong type or is not known, or a header or parameter cannot be read. \
         Sending the same request again will not help.";
    InvalidCursor = BAD_REQUEST, "invalid-cursor", "The cursor is not valid",
        "A cursor must come unchanged from next_cursor of the same list. Start again without one.";
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "Not signed in",
        "The request needs an access token, and it has none or one that is not valid any more. Sign in with POST \
         /v1/sessions.";
    InvalidCredentials = UNAUTHORIZED, "invalid-credentials", "The e-mail address or the password is wrong",
        "Which of the two is not said, nor whether the address has an account.";
    SessionRevoked = UNAUTHORIZED, "session-revoked", "The session has ended",
        "Somebody signed out, the password or the role was changed, or a refresh token was used twice, which means \
         that two parties have it. Sign in again.";
    InvalidOrigin = FORBIDDEN, "invalid-origin", "The request does not come from a page that may send it",
        "With a session cookie, Origin must be this server's or an allowed one; without Origin, Sec-Fetch-Site must \
         say same-origin or none, or Referer must match.";
    InvalidCsrfToken = FORBIDDEN, "invalid-csrf-token", "The X-CSRF-Token is missing or wrong",
        "With a session cookie, requests that change something need the csrf_token of this session, in the cookie \
         and in the header X-CSRF-Token.";
    Forbidden = FORBIDDEN, "forbidden", "Not allowed",
        "The account's role does not allow this.";
    EmailUnverified = FORBIDDEN, "email-unverified", "The e-mail address is not verified",
        "Reserved: nothing responds with it yet. Ask for a mail with POST /v1/me/email-verification, and send its \
         token to POST /v1/email-verifications.";
    NotFound = NOT_FOUND, "not-found", "Not found",
        "There is no such thing, or it belongs to somebody else.";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here",
        "The Allow header lists the methods that are.";
    EmailTaken = CONFLICT, "email-taken", "The e-mail address has an account already",
        "Sign in with it instead, or use another address.";
    LastAdmin = CONFLICT, "last-admin", "Nobody would be left who manages accounts",
        "The last enabled admin can be neither demoted nor disabled. Make somebody else an admin first.";
    InsufficientStock = CONFLICT, "insufficient-stock", "There is not enough left",
        "items lists every menu item there is not enough of, and supplies every supply, with what was asked for and \
         what was left. Nothing was taken.";
    StockChanged = CONFLICT, "stock-changed", "The stock kept changing",
        "Other requests won every time until the deadline. Nothing was taken; try again.";
    InvalidTransition = CONFLICT, "invalid-transition", "It does not go there from here",
        "An order goes from pending to accepted, preparing, ready and completed, one step at a time, and can be \
         cancelled by its customer until it is being prepared and by staff until it is completed. A ticket of the \
         kitchen goes from queued to cooking and to ready, or at once to ready, and can be recalled to cooking until \
         its order is completed; one that is void stays so.";
    CategoryTaken = CONFLICT, "category-taken", "The category goes to another station",
        "errors points at every category that another station lists. A category goes to one station at most: take it \
         from the other one first. Nothing was changed.";
    AlreadyPaid = CONFLICT, "already-paid", "The order is paid",
        "There is nothing left to pay. GET /v1/orders/{id}?include=payments shows how it was paid.";
    NotServed = CONFLICT, "not-served", "No server delivers to the subscriber",
        "The subscriber is not among those that any server is set up with: it was removed from the settings, or its \
         URL was changed. A dead letter that was resent to it would never arrive.";
    UnreadableRecord = CONFLICT, "unreadable-record", "A stored record cannot be read",
        "The record that record names holds a value which this version of the server refuses: another version, or \
         somebody by hand, has written it. Trying again does not help; an operator has to mend the record. Nothing was \
         changed, and nothing else is affected.";
    InUse = CONFLICT, "in-use", "Something else uses it",
        "used_by lists what does. An option group cannot be archived while menu items offer it, nor be left with fewer \
         options than they require; a supply cannot be archived while recipes have it, or options take of it or take \
         it away. Change those first. Nothing was changed.";
    IdempotencyInProgress = CONFLICT, "idempotency-in-progress", "The first request is still in progress",
        "A request with the same Idempotency-Key has not ended yet. Ask again in a moment.";
    PreconditionFailed = PRECONDITION_FAILED, "precondition-failed", "It was changed meanwhile",
        "The revision in If-Match is not the current one. Read the item again, and decide again.";
    PayloadTooLarge = PAYLOAD_TOO_LARGE, "payload-too-large", "The body is too large",
        "A body may have at most 64 KiB, unless the document of the API says otherwise; detail says how many.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not plain JSON",
        "Send Content-Type: application/json, in UTF-8, and no Content-Encoding: compressed bodies are not understood.";
    ValidationFailed = UNPROCESSABLE_ENTITY, "validation-failed", "A value is out of its range",
        "errors lists every fault with a JSON pointer to the value. Nothing was done.";
    PaymentRefused = UNPROCESSABLE_ENTITY, "payment-refused", "The payment gateway does not take this payment",
        "It never will: the amount is below its minimum or none that it can charge, or it refuses us. No payment is \
         open, and the order is as it was. Pay in another way, such as at the counter.";
    UnknownItem = UNPROCESSABLE_ENTITY, "unknown-item", "Not on the menu",
        "errors points at every line whose menu item does not exist or cannot be ordered at the moment.";
    InvalidSelection = UNPROCESSABLE_ENTITY, "invalid-selection", "What is chosen does not fit",
        "errors points at every selection that its menu item does not offer so, and at every line that lacks one. \
         GET /v1/menu shows what can be chosen, and how many.";
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY, "idempotency-key-reused",
        "The idempotency key stands for another request",
        "A key may be sent again only with the same request. Use a new one.";
    PreconditionRequired = PRECONDITION_REQUIRED, "precondition-required", "If-Match is missing",
        "Send the ETag of the item you have seen as If-Match, so that nobody's change is overwritten unseen.";
    AccountLocked = TOO_MANY_REQUESTS, "account-locked", "Too many wrong passwords",
        "The address is locked; it opens by itself after Retry-After seconds. While it is locked no password is \
         checked, and trying does not prolong it.";
    RateLimited = TOO_MANY_REQUESTS, "rate-limited", "Too many attempts",
        "Too many attempts came from this address, or too many at once for one account. Try again after Retry-After \
         seconds. For an order, limit names which limit of the customer is reached: open unpaid orders and the \
         portions in them go down when one is paid or cancelled.";
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something is broken",
        "It is not your fault. The request id helps us find it.";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Not available at the moment",
        "operation names what cannot be done now. Try again after Retry-After seconds.";
}
