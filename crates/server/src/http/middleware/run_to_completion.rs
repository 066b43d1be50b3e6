use tracing::Instrument;

use crate::http::problem::{Code, Problem};

/// Drives work to its end even when the client hangs up: an attempt that was announced must be settled. If the work
/// panics, so does the request; if there is none any more, the panic is counted and logged all the same.
pub async fn run_to_completion<T: 'static>(work: impl Future<Output = T> + 'static) -> Result<T, Problem> {
    let work = comanda_task::caught(comanda_identity::for_same_client(work)).in_current_span();
    comanda_task::finished(actix_web::rt::spawn(work)).await.map_err(|error| {
        tracing::error!(%error, "a request's work was lost");
        Problem::new(Code::Internal, "Something went wrong.")
    })
}
