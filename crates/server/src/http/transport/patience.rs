//! How long a client may take nothing of what is written to it.
//!
//! A body is asked for more only once the client has taken what there was, so a response that does not end by itself
//! would last for as long as its client likes.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// A client that takes nothing for so long has gone, or might as well have.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream on which no write waits for long.
pub(super) struct Patient<S> {
    stream: S,
    cut: CancellationToken,
    /// Ends when a write has waited for long enough.
    waiting: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, cut: CancellationToken::new(), waiting: None }
    }

    /// Once it is cancelled, no write waits at all.
    pub(super) fn cut(&self) -> CancellationToken {
        self.cut.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Poll::Ready(outcome) = Pin::new(&mut this.stream).poll_write(context, bytes) {
            this.waiting = None;
            return Poll::Ready(outcome);
        }
        let cut = &this.cut;
        let waiting = this.waiting.get_or_insert_with(|| {
            let cut = cut.clone().cancelled_owned();
            // Whichever comes first.
            Box::pin(async { drop(tokio::time::timeout(PATIENCE, cut).await) })
        });
        ready!(waiting.as_mut().poll(context));
        this.waiting = None;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::Instant,
    };

    use super::*;

    const NEARLY: Duration = Duration::from_secs(29);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_a_little_now_and_then_is_waited_for_and_no_longer() {
        let (own, mut client) = tokio::io::duplex(16);
        let mut stream = Patient::new(own);
        let begin = Instant::now();
        let reading = async {
            for _ in 0..4 {
                tokio::time::sleep(NEARLY).await;
                client.read_exact(&mut [0; 16]).await.unwrap();
            }
            client
        };
        let (written, _client) = tokio::join!(stream.write_all(&[0; 1000]), reading);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let took = 4 * NEARLY + PATIENCE;
        assert!((took..took + Duration::from_secs(1)).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_who_is_cut_off() {
        let (own, _client) = tokio::io::duplex(16);
        let mut stream = Patient::new(own);
        let (cut, begin) = (stream.cut(), Instant::now());
        let cutting = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            cut.cancel();
        };
        let (written, ()) = tokio::join!(stream.write_all(&[0; 1000]), cutting);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(begin.elapsed() < Duration::from_secs(6), "{:?}", begin.elapsed());
    }
}
