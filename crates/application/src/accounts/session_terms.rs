use std::time::Duration;

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub struct SessionTerms {
    /// A client's, however often it is continued.
    pub client: Duration,
    /// A browser's.
    pub browser: Duration,
    /// For so long after its use a refresh token may come back with a client's own parallel request.
    pub refresh_grace: Duration,
}
