//! How many connections there are.
//!
//! Beyond the file descriptors, the kernel would keep whoever comes waiting without a word. So there is a limit below
//! it, and whoever is over that is told so: there is one 503, and the connection ends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{http::StatusCode, rt::net::TcpStream};
use metrics::{counter, gauge};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::closing_response;
use crate::{
    http::{
        middleware::RequestId,
        problem::{Code, Problem},
    },
    observability::REFUSALS,
};

/// How long whoever is refused may take to read that.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Lets so many in at a time, on all threads.
#[derive(Clone)]
pub(super) struct Entrance {
    limit: usize,
    inside: Arc<AtomicUsize>,
    being_refused: Arc<AtomicUsize>,
}

/// One of those that count. Leaves when this is dropped.
pub(super) struct Place(Arc<AtomicUsize>);

impl Place {
    fn among(places: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        if places.fetch_add(1, Ordering::AcqRel) < limit {
            return Some(Self(Arc::clone(places)));
        }
        places.fetch_sub(1, Ordering::AcqRel);
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An open connection.
pub(super) struct Inside {
    _place: Place,
}

impl Drop for Inside {
    fn drop(&mut self) {
        gauge!("http_server_open_connections").decrement(1);
    }
}

impl Entrance {
    pub(super) fn for_connections(limit: usize) -> Self {
        Self { limit, inside: Arc::default(), being_refused: Arc::default() }
    }

    /// `None`: there are as many as may be.
    pub(super) fn enter(&self) -> Option<Inside> {
        let place = Place::among(&self.inside, self.limit)?;
        gauge!("http_server_open_connections").increment(1);
        Some(Inside { _place: place })
    }

    /// Says why, and ends the connection.
    pub(super) async fn refuse(&self, mut stream: TcpStream) {
        counter!("comanda_connections_refused_total").increment(1);
        tracing::warn!(limit = self.limit, "connections are refused: there are as many as may be");
        // They have descriptors of their own. Beyond that, the connection ends without a word.
        let Some(_refused) = Place::among(&self.being_refused, REFUSALS) else { return };
        let refusal = async {
            let problem = Problem::new(Code::Unavailable, "There are too many connections.");
            let id = RequestId::generated();
            let retry_after = ["retry-after: 1".to_owned()];
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let response = closing_response("HTTP/1.1 503 Service Unavailable", retry_after, &problem, status, &id);
            stream.write_all(&response).await?;
            stream.shutdown().await?;
            // The response would be lost if the connection ended with a request that nobody has read.
            let mut unread = [0; 4096];
            while stream.read(&mut unread).await? > 0 {}
            std::io::Result::Ok(())
        };
        // However it ends, it has ended.
        let _ = tokio::time::timeout(REFUSAL_TIMEOUT, refusal).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_fit_and_another_when_one_has_left() {
        let entrance = Entrance::for_connections(2);
        let (first, second) = (entrance.enter(), entrance.enter());
        assert!(first.is_some() && second.is_some());
        for _ in 0..3 {
            assert!(entrance.enter().is_none());
        }
        drop(first);
        assert!(entrance.clone().enter().is_some());
    }
}
