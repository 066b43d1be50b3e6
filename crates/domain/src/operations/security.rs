//! What whoever watches for attacks wants to know of.

use crate::{AccountId, Email, SessionId, names::names};

names! {
    /// What happened.
    pub enum SecurityEventKind {
        /// Somebody signed in, or tried to.
        SignIn = "sign_in",
        /// A session ended: somebody signed out, or ended it from elsewhere.
        SignOut = "sign_out",
        /// Wrong passwords locked an address, or one of its account's devices.
        Lock = "lock",
        /// A lock was lifted.
        Unlock = "unlock",
        /// A request lacked what proves that it comes from our own pages.
        CsrfCheck = "csrf_check",
        /// A refresh token came back although it had been used.
        RefreshReuse = "refresh_reuse",
        /// Somebody changed their password, or tried to.
        PasswordChange = "password_change",
        /// Somebody chose another password with a token from a mail, or tried to.
        PasswordReset = "password_reset",
        /// Somebody verified an address with a token from a mail, or tried to.
        EmailVerification = "email_verification",
        /// An account got another role.
        RoleChange = "role_change",
        /// An account was disabled.
        AccountDisabling = "account_disabling",
        /// An account was enabled again.
        AccountEnabling = "account_enabling",
        /// An operator made somebody an admin.
        AdminAppointment = "admin_appointment",
        /// Somebody asked for what their role does not allow.
        Authorization = "authorization",
    }

    /// The text names no kind of event.
    pub struct NotASecurityEvent("not a security event");
}

names! {
    /// How it went.
    pub enum SecurityOutcome {
        /// It was done.
        Success = "success",
        /// It was refused.
        Refused = "refused",
        /// It failed for a reason that has nothing to do with who asked.
        Failed = "failed",
    }

    /// The text names no outcome.
    pub struct NotASecurityOutcome("an outcome is success, refused or failed");
}

/// Something that happened. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityEvent {
    /// What happened.
    pub kind: SecurityEventKind,
    /// How it went.
    pub outcome: SecurityOutcome,
    /// Why, by a name that never changes.
    pub reason: Option<&'static str>,
    /// The account it concerns.
    pub account_id: Option<AccountId>,
    /// The address it concerns, which need not have an account. Whoever stores the event keeps a keyed hash of it.
    pub email: Option<Email>,
    /// The session it concerns.
    pub session_id: Option<SessionId>,
    /// Who did it, if not the account itself.
    pub by: Option<AccountId>,
}

impl SecurityEvent {
    /// An event of which nothing else is known.
    pub const fn new(kind: SecurityEventKind, outcome: SecurityOutcome) -> Self {
        Self { kind, outcome, reason: None, account_id: None, email: None, session_id: None, by: None }
    }

    /// Why it happened, by a name that never changes.
    #[must_use]
    pub fn because(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// The account it concerns.
    #[must_use]
    pub fn of_account(self, id: AccountId) -> Self {
        Self { account_id: Some(id), ..self }
    }

    /// The address it concerns.
    #[must_use]
    pub fn of_address(self, email: &Email) -> Self {
        Self { email: Some(email.clone()), ..self }
    }

    /// The session it concerns.
    #[must_use]
    pub fn in_session(self, id: SessionId) -> Self {
        Self { session_id: Some(id), ..self }
    }

    /// Who did it.
    #[must_use]
    pub fn done_by(self, id: AccountId) -> Self {
        Self { by: Some(id), ..self }
    }
}
