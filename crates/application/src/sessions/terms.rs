use std::time::Duration;

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub struct SessionTerms {
    /// How long a client's session lasts, however often it is refreshed.
    pub client: Duration,
    /// How long a browser's session lasts.
    pub browser: Duration,
    /// For this long after its use, a refresh token may come back with a parallel request of the same client.
    pub refresh_grace: Duration,
}
