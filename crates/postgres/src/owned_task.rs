//! Work that goes on when nobody waits for it any more.

use std::future::Future;

use comanda_domain::ports::Unavailable;
use tokio::runtime::Handle;

/// Runs a transaction in a task of its own. A request whose client hangs up is dropped where it stands; a transaction that was
/// dropped with it could be left open on a pooled connection (`diesel_async` issue 198). Here only the waiting is dropped.
pub(crate) async fn in_own_task<T, E>(
    runtime: &Handle,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Unavailable> + Send + 'static,
{
    match runtime.spawn(work).await {
        Ok(outcome) => outcome,
        Err(join_error) => Err(Unavailable::new(join_error).into()),
    }
}
