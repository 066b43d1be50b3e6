use tracing::Instrument;

use super::panicked;
use crate::http::problem::{Code, Problem};

/// Drives work to its end even when the client hangs up: an attempt that was announced must be settled.
pub async fn run_to_completion<T: 'static>(work: impl Future<Output = T> + 'static) -> Result<T, Problem> {
    actix_web::rt::spawn(comanda_identity::for_same_client(work.in_current_span())).await.map_err(|error| {
        match error.try_into_panic() {
            Ok(panic) => panicked(&*panic),
            Err(error) => {
                tracing::error!(%error, "a request's work was lost");
                Problem::new(Code::Internal, "Something went wrong.")
            }
        }
    })
}
