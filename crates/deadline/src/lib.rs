//! How much time a request has left. Whatever works for the request can read it without getting it through every port,
//! so an adapter can tell a server how long a response may take, and does not begin what cannot end in time (Google's
//! SRE book, "Addressing Cascading Failures", on deadline propagation).

use std::time::Duration;

use tokio::time::{Instant, error::Elapsed, timeout_at};

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Ends the work after `time`, or at an earlier deadline around it. The work can read how much is [`left`].
pub async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Result<T, Elapsed> {
    let own = Instant::now() + time;
    let deadline = DEADLINE.try_with(|earlier| own.min(*earlier)).unwrap_or(own);
    DEADLINE.scope(deadline, timeout_at(deadline, work)).await
}

/// How much time is left; `None` outside of any deadline.
pub fn left() -> Option<Duration> {
    DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now())).ok()
}

/// The same work with the same deadline, to be spawned as a task of its own. The deadline does not end it: only the
/// work itself can, by asking how much is [`left`].
pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let deadline = DEADLINE.try_with(|deadline| *deadline).ok();
    async move {
        match deadline {
            Some(deadline) => DEADLINE.scope(deadline, work).await,
            None => work.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn work_knows_how_much_time_is_left() {
        assert_eq!(left(), None);
        let work = async {
            tokio::time::sleep(SECOND).await;
            let inner = within(10 * SECOND, async { left() }).await;
            let task = tokio::spawn(carried(async { left() })).await.expect("it does not panic");
            (left(), inner, task, tokio::spawn(async { left() }).await.expect("it does not panic"))
        };
        let read = within(3 * SECOND, work).await.expect("in time");
        assert_eq!(read, (Some(2 * SECOND), Ok(Some(2 * SECOND)), Some(2 * SECOND), None));
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_with_its_time() {
        let begin = Instant::now();
        assert!(within(SECOND, std::future::pending::<()>()).await.is_err());
        assert_eq!(begin.elapsed(), SECOND);
    }
}
