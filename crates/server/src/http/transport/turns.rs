//! One request at a time, however many arrive at once.
//!
//! Requests may be sent without waiting for responses (RFC 9112, section 9.3.2). actix-http reads them ahead, and keeps
//! in one place, for whichever it has read last, whether it is a `HEAD`, of which version it is, and whether the
//! connection ends after it. A `GET` with a `HEAD` behind it would get no body, and the `HEAD` one, which the client
//! would take for the next response. Here, whatever follows a request is held back until its response is complete.

use std::{
    cell::{Cell, RefCell},
    io, mem,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::{Buf, Bytes, BytesMut},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// How many requests of a connection have their response.
#[derive(Default)]
pub(super) struct Turns {
    answered: Cell<u64>,
    /// Whoever holds back the next request.
    waiting: RefCell<Option<Waker>>,
    /// When the client has sent all that it will.
    hung_up: CancellationToken,
}

/// A request that is being worked on. When this is dropped, the next may come.
pub(super) struct Turn(Rc<Turns>);

impl Turns {
    pub(super) fn begin(self: Rc<Self>) -> Turn {
        Turn(self)
    }

    /// Cancelled when the client hangs up. (One that still listens is not told apart from one that has gone.)
    pub(super) fn hung_up(&self) -> CancellationToken {
        self.hung_up.clone()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.answered.set(self.0.answered.get() + 1);
        if let Some(waker) = self.0.waiting.take() {
            waker.wake();
        }
    }
}

/// The body of a response, which is complete when this is dropped.
pub(super) struct LastOfTurn {
    body: BoxBody,
    _turn: Option<Turn>,
}

impl LastOfTurn {
    pub(super) fn new(body: BoxBody, turn: Option<Turn>) -> Self {
        Self { body, _turn: turn }
    }
}

impl MessageBody for LastOfTurn {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.get_mut().body.as_pin_mut().poll_next(context)
    }
}

/// A stream that hands over a request only when the one before it has its response.
pub(super) struct InTurn<S> {
    stream: S,
    turns: Rc<Turns>,
    framing: Framing,
    /// How many requests were handed over to their end.
    handed_over: u64,
    /// What has arrived behind them.
    held: BytesMut,
    /// How much was read while the last of them has waited for its response.
    read_ahead: usize,
    /// Nothing comes behind what is held.
    ended: bool,
}

impl<S> InTurn<S> {
    /// How much is read of the requests that wait. What is not read when the connection is closed has the kernel reset
    /// it, and the client may lose the end of the last response.
    const HELD: usize = 64 * 1024;

    pub(super) fn new(stream: S) -> Self {
        let (turns, framing, held) = Default::default();
        Self { stream, turns, framing, handed_over: 0, held, read_ahead: 0, ended: false }
    }

    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    pub(super) fn turns(&self) -> Rc<Turns> {
        Rc::clone(&self.turns)
    }

    /// A response may come before the end of its request.
    fn awaits_response(&self) -> bool {
        self.handed_over > self.turns.answered.get()
    }

    /// How much of it may be handed over now.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        if self.awaits_response() {
            return 0;
        }
        let Passed { bytes, whole } = self.framing.pass(bytes);
        if whole {
            self.handed_over += 1;
            self.read_ahead = 0;
        }
        bytes
    }
}

impl<S: AsyncRead + Unpin> InTurn<S> {
    /// Reads what comes behind a request that awaits its response. Empty lines, which old clients send behind a body,
    /// are nothing, so that it is noticed when such a client hangs up.
    fn hold_more(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while !self.ended && self.read_ahead < Self::HELD {
            if self.held.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                self.held.clear();
            }
            let mut bytes = [0; 4096];
            let mut read = ReadBuf::new(&mut bytes);
            let Poll::Ready(outcome) = Pin::new(&mut self.stream).poll_read(context, &mut read) else { break };
            outcome?;
            self.ended = read.filled().is_empty();
            if self.ended {
                self.turns.hung_up.cancel();
            }
            self.read_ahead += read.filled().len();
            self.held.extend_from_slice(read.filled());
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for InTurn<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.held.is_empty() && !this.ended {
            // Also during a request, so that it is noticed when the client hangs up.
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
            let read = buffer.filled().get(before..).unwrap_or_default();
            if read.is_empty() {
                this.turns.hung_up.cancel();
                return Poll::Ready(Ok(()));
            }
            let passed = this.pass(read);
            this.held.extend_from_slice(read.get(passed..).unwrap_or_default());
            buffer.set_filled(before + passed);
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
        if this.awaits_response() {
            this.hold_more(context)?;
            if this.held.is_empty() && this.ended {
                return Poll::Ready(Ok(()));
            }
            *this.turns.waiting.borrow_mut() = Some(context.waker().clone());
            return Poll::Pending;
        }
        let held = mem::take(&mut this.held);
        let room = held.get(..held.len().min(buffer.remaining())).unwrap_or_default();
        let passed = this.pass(room);
        buffer.put_slice(room.get(..passed).unwrap_or_default());
        this.held = held;
        this.held.advance(passed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for InTurn<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// Finds where requests end (RFC 9112, sections 6 and 7). It reads no more than that takes, and refuses nothing: what
/// is no request is handed over as it is, for actix-http to refuse.
#[derive(Default)]
struct Framing {
    part: Part,
    /// The beginning of the current line.
    line: Vec<u8>,
    /// The length of the body that the head announces.
    length: Option<u64>,
    chunked: bool,
}

#[derive(Clone, Copy, Default)]
enum Part {
    /// The request line, or empty lines before it.
    #[default]
    Begin,
    Header,
    /// Of the body, or of a chunk, so many bytes are missing.
    Content(u64),
    ChunkSize,
    /// The line end behind a chunk.
    ChunkEnd,
    Trailer,
    /// Nobody knows where it ends, or what follows belongs to it: nothing is held back.
    Endless,
}

struct Passed {
    bytes: usize,
    /// Whether a request ends there.
    whole: bool,
}

impl Framing {
    /// More than any line has that says something about the end. Of a longer one the rest is passed over.
    const LINE: usize = 256;

    /// Reads up to the end of a request, or all of it.
    fn pass(&mut self, bytes: &[u8]) -> Passed {
        let mut rest = bytes;
        while !rest.is_empty() {
            let whole = match self.part {
                Part::Endless => break,
                Part::Content(missing) => {
                    let length = usize::try_from(missing).unwrap_or(usize::MAX).min(rest.len());
                    rest = rest.get(length..).unwrap_or_default();
                    self.content_ended_at(missing - length as u64)
                }
                part => match rest.iter().position(|byte| *byte == b'\n') {
                    None => {
                        self.keep(rest);
                        break;
                    }
                    Some(end) => {
                        let (line, next) = rest.split_at(end);
                        self.keep(line);
                        rest = next.get(1..).unwrap_or_default();
                        let line = mem::take(&mut self.line);
                        self.line_ended(part, line.strip_suffix(b"\r").unwrap_or(&line))
                    }
                },
            };
            if whole {
                *self = Self::default();
                return Passed { bytes: bytes.len() - rest.len(), whole };
            }
        }
        Passed { bytes: bytes.len(), whole: false }
    }

    fn keep(&mut self, line: &[u8]) {
        let room = Self::LINE.saturating_sub(self.line.len()).min(line.len());
        self.line.extend_from_slice(line.get(..room).unwrap_or_default());
    }

    /// Whether the request ends there.
    fn content_ended_at(&mut self, missing: u64) -> bool {
        if missing > 0 {
            self.part = Part::Content(missing);
        } else if self.chunked {
            self.part = Part::ChunkEnd;
        } else {
            return true;
        }
        false
    }

    /// Whether the request ends there.
    fn line_ended(&mut self, part: Part, line: &[u8]) -> bool {
        self.part = match part {
            Part::Begin if line.is_empty() => Part::Begin,
            Part::Begin if line.starts_with(b"CONNECT ") => Part::Endless,
            Part::Begin => Part::Header,
            Part::Header if !line.is_empty() => self.header(line),
            Part::Header => match self.length {
                _ if self.chunked => Part::ChunkSize,
                None | Some(0) => return true,
                Some(length) => Part::Content(length),
            },
            Part::ChunkSize => {
                let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                let size = line.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok());
                match size.and_then(|size| u64::from_str_radix(size, 16).ok()) {
                    Some(0) => Part::Trailer,
                    Some(size) => Part::Content(size),
                    None => Part::Endless,
                }
            }
            Part::ChunkEnd if line.is_empty() => Part::ChunkSize,
            Part::Trailer if line.is_empty() => return true,
            Part::Trailer => Part::Trailer,
            Part::ChunkEnd | Part::Content(_) | Part::Endless => Part::Endless,
        };
        false
    }

    fn header(&mut self, line: &[u8]) -> Part {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Part::Endless };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = std::str::from_utf8(value).ok().and_then(|length| length.parse().ok());
            if self.length.is_some() || length.is_none() || line.len() >= Self::LINE {
                return Part::Endless;
            }
            self.length = length;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Part::Endless;
            }
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") && value.eq_ignore_ascii_case(b"websocket") {
            return Part::Endless;
        }
        Part::Header
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const REQUESTS: [&[u8]; 7] = [
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"HEAD / HTTP/1.1\nhost: a\n\n",
        b"POST / HTTP/1.1\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length:0\r\n\r\n",
        b"\r\nPUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n4\r\n\r\n\r\n\r\nA;x=1\r\n0\r\n\r\n56789\r\n0\r\n\r\n",
        b"PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nTrailer: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\ncookie: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n\r\n",
    ];

    #[test]
    fn a_request_ends_where_it_ends_however_it_arrives() {
        let all = REQUESTS.concat();
        for step in [1, 2, 3, 7, 64, all.len()] {
            let mut framing = Framing::default();
            let mut ends = Vec::new();
            let mut at = 0;
            for piece in all.chunks(step) {
                let mut rest = piece;
                while !rest.is_empty() {
                    let passed = framing.pass(rest);
                    at += passed.bytes;
                    if passed.whole {
                        ends.push(at);
                    }
                    rest = &rest[passed.bytes..];
                }
            }
            let expected: Vec<usize> = REQUESTS
                .iter()
                .scan(0, |end, request| {
                    *end += request.len();
                    Some(*end)
                })
                .collect();
            assert_eq!(ends, expected, "in pieces of {step}");
        }
    }

    #[test]
    fn what_is_no_request_is_not_held_back() {
        for head in [
            "GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
            "GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
            "GET / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
            "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
            "GET / HTTP/1.1\r\nno header\r\n\r\n",
            "GET / HTTP/1.1\r\nupgrade: WebSocket\r\n\r\n",
            "CONNECT a:80 HTTP/1.1\r\n\r\n",
        ] {
            let all = format!("{head}GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
            let passed = Framing::default().pass(all.as_bytes());
            assert_eq!((passed.bytes, passed.whole), (all.len(), false), "{head}");
        }
    }

    #[tokio::test]
    async fn the_next_request_waits_for_the_response_to_the_one_before() {
        let (mut client, server) = tokio::io::duplex(4096);
        let mut stream = InTurn::new(server);
        client.write_all(&REQUESTS.concat()).await.unwrap();
        for request in REQUESTS {
            let turn = stream.turns().begin();
            let mut read = vec![0; request.len()];
            stream.read_exact(&mut read).await.unwrap();
            assert_eq!(read, request);
            let mut next = [0; 1];
            assert!(futures_util::poll!(std::pin::pin!(stream.read(&mut next))).is_pending(), "it is held back");
            drop(turn);
        }
        drop(client);
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "the end is no request");
    }

    #[tokio::test]
    async fn what_waits_is_read_and_its_end_comes_behind_it() {
        let (mut client, server) = tokio::io::duplex(16);
        let mut stream = InTurn::new(server);
        let turn = stream.turns().begin();
        let send = async {
            client.write_all(&REQUESTS.concat()).await.unwrap();
            drop((client, turn));
        };
        let mut read = Vec::new();
        let read_all = async {
            loop {
                let mut bytes = [0; 64];
                let length = stream.read(&mut bytes).await.unwrap();
                if length == 0 {
                    break;
                }
                read.extend_from_slice(&bytes[..length]);
                if stream.turns.answered.get() > 0 {
                    // The others have their responses at once.
                    stream.turns.answered.set(u64::MAX);
                }
            }
        };
        tokio::join!(send, read_all);
        assert_eq!(read, REQUESTS.concat());
    }

    #[tokio::test]
    async fn the_end_is_noticed_during_a_request_behind_empty_lines() {
        let (mut client, server) = tokio::io::duplex(4096);
        let mut stream = InTurn::new(server);
        let _turn = stream.turns().begin();
        client.write_all(&[REQUESTS[0], b"\r\n\n"].concat()).await.unwrap();
        stream.read_exact(&mut vec![0; REQUESTS[0].len()]).await.unwrap();
        assert!(futures_util::poll!(std::pin::pin!(stream.read(&mut [0; 1]))).is_pending());
        drop(client);
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn empty_lines_are_not_read_without_end() {
        let (mut client, server) = tokio::io::duplex(1024);
        let mut stream = InTurn::new(server);
        let _turn = stream.turns().begin();
        client.write_all(REQUESTS[0]).await.unwrap();
        stream.read_exact(&mut vec![0; REQUESTS[0].len()]).await.unwrap();
        // Also tokio would stop such a loop some time.
        let sent = tokio::task::unconstrained(async {
            let mut sent = 0;
            loop {
                let accepted = futures_util::poll!(std::pin::pin!(client.write(&[b'\n'; 1024])));
                let Poll::Ready(accepted) = accepted else { break sent };
                sent += accepted.unwrap();
                assert!(sent < 1024 * 1024);
                assert!(futures_util::poll!(std::pin::pin!(stream.read(&mut [0; 1]))).is_pending());
            }
        })
        .await;
        assert!(sent >= InTurn::<()>::HELD, "{sent}");
    }

    #[tokio::test]
    async fn a_response_before_the_end_of_its_request_holds_nothing_back() {
        let (mut client, server) = tokio::io::duplex(4096);
        let mut stream = InTurn::new(server);
        let (head, body) = REQUESTS[2].split_at(40);
        client.write_all(head).await.unwrap();
        stream.read_exact(&mut vec![0; head.len()]).await.unwrap();
        drop(stream.turns().begin());
        client.write_all(&[body, REQUESTS[0]].concat()).await.unwrap();
        let mut rest = vec![0; body.len() + REQUESTS[0].len()];
        stream.read_exact(&mut rest).await.unwrap();
    }
}
