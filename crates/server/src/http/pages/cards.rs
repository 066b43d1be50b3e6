//! How cards are paid with on the page for customers, and what it may load for that.

/// How pages take cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cards {
    /// Pages offer to pay at the counter.
    NotOnPages,
    /// With test cards; no money moves.
    Simulated,
    /// With Stripe's Payment Element.
    Stripe { publishable_key: String },
}

impl Cards {
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::NotOnPages => "none",
            Self::Simulated => "simulated",
            Self::Stripe { .. } => "stripe",
        }
    }

    pub(super) fn publishable_key(&self) -> Option<&str> {
        match self {
            Self::NotOnPages | Self::Simulated => None,
            Self::Stripe { publishable_key } => Some(publishable_key),
        }
    }

    /// The policy of the page on which customers pay.
    pub(super) const fn content_security_policy(&self) -> &'static str {
        match self {
            Self::NotOnPages | Self::Simulated => CONTENT_SECURITY_POLICY,
            Self::Stripe { .. } => WITH_STRIPE,
        }
    }
}

/// Everything a page loads is its own; nothing is inline.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same with what Stripe.js needs, wallets and addresses left out: it must come from Stripe, and shows the fields
/// for a card in frames of its own (<https://docs.stripe.com/security/guide#content-security-policy>).
const WITH_STRIPE: &str = "default-src 'none'; script-src 'self' https://js.stripe.com https://*.js.stripe.com; \
     style-src 'self'; img-src 'self'; connect-src 'self' https://api.stripe.com; \
     frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";
