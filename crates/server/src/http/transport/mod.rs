//! Connections, and what the HTTP layer says on them by itself.
//!
//! A head that cannot be read is refused by actix-http, before there is a request that a middleware could see: 400,
//! 408 when it does not arrive in time, and 431 when it is too large, or 500 when it contradicts itself, each without a
//! body. Here such a response becomes
//! a problem document with a request id, like every other one. The server is put together by hand for that, because
//! actix-web's `HttpServer` leaves no room for another kind of stream.

mod entrance;
mod listening;
mod patience;
mod turns;

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_http::{ConnectionType, HttpService, KeepAlive, Protocol, Request, error::DispatchError};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service, map_config};
use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{AppConfig, Response, Server, Service},
    http::StatusCode,
    rt::net::TcpStream,
    web::{Buf, Bytes},
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpSocket,
};
use tokio_util::sync::CancellationToken;

pub use self::listening::Listening;
use self::{
    entrance::{Entrance, Inside},
    patience::Patient,
    turns::{InTurn, LastOfTurn, Turns},
};
use super::{
    draining::Draining,
    middleware::{RequestId, network_of, response_headers},
    problem::{Code, Problem},
};
use crate::{config::HttpConfig, observability::REFUSALS};

/// How long a client may take to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take to close its side.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How soon a connection ends whose client confirms nothing, and says nothing.
const VANISHED: Duration = Duration::from_secs(30);

/// How many connections the kernel keeps until a thread takes them.
const BACKLOG: u32 = 1024;

/// Binds the address and starts serving so many connections at a time.
pub(super) fn listen<F, I, S, B>(
    config: &HttpConfig,
    connections: usize,
    draining: Draining,
    app: F,
) -> io::Result<(Server, Listening)>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let socket = if config.bind_addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    notice_who_vanishes(&socket)?;
    socket.bind(config.bind_addr)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    let listening = Listening::on(&listener)?;
    let (address, entrance) = (listening.address, Entrance::for_connections(connections));
    let builder = Server::build()
        .workers(config.workers.get())
        // They are accepted ahead of the threads that serve or refuse them: the rest of a burst waits in the kernel.
        .max_concurrent_connections(connections.saturating_add(2 * REFUSALS).div_ceil(config.workers.get()))
        .shutdown_timeout(config.shutdown_timeout.as_secs().max(1))
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let builder = builder.listen("http", listener, move || {
        let (stopping, draining, entrance) = (stopping.clone(), draining.clone(), entrance.clone());
        let app = app().into_factory().map_err(|error| error.into().error_response());
        let app = apply_fn_factory(app, move |request: Request, app: &_| {
            let turn = request.conn_data::<Rc<Turns>>().cloned().map(Turns::begin);
            let response = app.call(request);
            let draining = draining.clone();
            async move {
                let mut response: Response<BoxBody> = match response.await {
                    Ok(response) => {
                        let response: Response<B> = response.into();
                        response.map_into_boxed_body()
                    }
                    Err(response) => response.into(),
                };
                if draining.has_begun() {
                    // The client comes back on another connection, which a proxy opens to another server.
                    response.head_mut().set_connection_type(ConnectionType::Close);
                }
                Ok::<_, HttpResponse>(response.map_body(|_, body| LastOfTurn::new(body, turn)))
            }
        });
        let service = HttpService::build()
            // Idle connections end when the server is told to stop.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .local_addr(address)
            .on_connect_ext(|stream: &Explaining<InTurn<Patient<TcpStream>>>, data| {
                data.insert(stream.stream.turns());
                data.insert(Cut(stream.stream.stream().cut()));
            })
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let entrance = entrance.clone();
            async move {
                let Some(inside) = entrance.enter() else {
                    entrance.refuse(stream).await;
                    return Err(DispatchError::DisconnectTimeout);
                };
                let peer = stream.peer_addr().ok();
                let stream = Explaining::new(InTurn::new(Patient::new(stream)), peer.map(|peer| peer.ip()));
                Ok((Explaining { _inside: Some(inside), ..stream }, Protocol::Http1, peer))
            }
        })
        .and_then(service)
    })?;
    Ok((builder.run(), listening))
}

/// Connections that are accepted have these options, too. Otherwise the kernel would send again for a quarter of an hour
/// what nobody confirms, and ask those who take nothing for ever whether they have room now.
fn notice_who_vanishes(socket: &TcpSocket) -> io::Result<()> {
    let socket = SockRef::from(socket);
    let keepalive = TcpKeepalive::new().with_time(VANISHED / 2).with_interval(VANISHED / 6);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(VANISHED))?;
    Ok(())
}

/// Has a connection end when its client does not take what was written to it.
struct Cut(CancellationToken);

/// Once it is cancelled, the connection of the request ends if its client does not take what was written to it.
pub(super) fn cut(request: &HttpRequest) -> CancellationToken {
    request.conn_data::<Cut>().map(|cut| cut.0.clone()).unwrap_or_default()
}

/// Cancelled when the client of a request hangs up, for responses that do not end by themselves.
pub(super) fn hung_up(request: &HttpRequest) -> CancellationToken {
    request.conn_data::<Rc<Turns>>().map(|turns| turns.hung_up()).unwrap_or_default()
}

/// A stream on which a bare response of the HTTP layer becomes a problem document.
struct Explaining<S> {
    stream: S,
    /// What is written instead of a bare response and was not written yet.
    unsent: Bytes,
    /// The length of that response, until it is reported as written.
    replaced: usize,
    peer: Option<IpAddr>,
    /// Until the stream ends.
    _inside: Option<Inside>,
}

impl<S: AsyncWrite + Unpin> Explaining<S> {
    fn new(stream: S, peer: Option<IpAddr>) -> Self {
        Self { stream, unsent: Bytes::new(), replaced: 0, peer, _inside: None }
    }

    fn poll_unsent(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.unsent))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.unsent.advance(sent),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explaining<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.replaced == 0 {
            let Some(bare) = BareResponse::at_the_end_of(bytes) else {
                return Pin::new(&mut this.stream).poll_write(context, bytes);
            };
            let (before, replaced) = bytes.split_at(bare.begin);
            if !before.is_empty() {
                return Pin::new(&mut this.stream).poll_write(context, before);
            }
            (this.unsent, this.replaced) = (bare.explained(this.peer), replaced.len());
        }
        // Reported as written only once it is: whoever has nothing left to write may drop the stream.
        ready!(this.poll_unsent(context))?;
        Poll::Ready(Ok(std::mem::take(&mut this.replaced).min(bytes.len())))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_unsent(context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_unsent(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Explaining<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

/// A response that no handler and no middleware writes: nothing but a status line, `content-length: 0`, `connection`
/// and `date`.
struct BareResponse<'a> {
    /// Where it begins in what is written.
    begin: usize,
    status: StatusCode,
    /// The status line and the headers.
    head: &'a str,
}

impl<'a> BareResponse<'a> {
    /// What the HTTP layer refuses a head with.
    const STATUSES: [StatusCode; 4] = [
        StatusCode::BAD_REQUEST,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        StatusCode::INTERNAL_SERVER_ERROR,
    ];

    /// The HTTP layer closes the connection after such a response, so it is the last thing that is written. It is read
    /// line by line from the end, so that a body before it may hold anything.
    fn at_the_end_of(bytes: &'a [u8]) -> Option<Self> {
        const LINE_END: &[u8] = b"\r\n";
        const EMPTY: &str = "content-length: 0";

        let text = bytes.strip_suffix(b"\r\n\r\n")?;
        let mut rest = text;
        let mut is_empty = false;
        loop {
            let line_end = rest.windows(LINE_END.len()).rposition(|window| window == LINE_END);
            let line = rest.get(line_end.map_or(0, |at| at + LINE_END.len())..)?;
            if let Some((status, length)) = Self::status_line_at_the_end_of(line) {
                let begin = rest.len() - length;
                let head = std::str::from_utf8(text.get(begin..)?).ok()?;
                return is_empty.then_some(Self { begin, status, head });
            }
            let header = std::str::from_utf8(line).ok()?.to_ascii_lowercase();
            if header == EMPTY {
                is_empty = true;
            } else if !header.starts_with("connection: ") && !header.starts_with("date: ") {
                return None;
            }
            rest = rest.get(..line_end?)?;
        }
    }

    /// The status and the length of a status line. A body may come before it in the same line.
    fn status_line_at_the_end_of(line: &[u8]) -> Option<(StatusCode, usize)> {
        let of = |status: StatusCode| {
            let text = format!(" {} {}", status.as_str(), status.canonical_reason()?);
            let version = line.strip_suffix(text.as_bytes())?;
            let has_version = version.ends_with(b"HTTP/1.1") || version.ends_with(b"HTTP/1.0");
            has_version.then_some((status, "HTTP/1.1".len() + text.len()))
        };
        Self::STATUSES.into_iter().find_map(of)
    }

    /// Logs it, too: no middleware does.
    fn explained(&self, peer: Option<IpAddr>) -> Bytes {
        let code = if self.status.is_server_error() { Code::Internal } else { Code::InvalidRequest };
        let detail = match self.status {
            StatusCode::REQUEST_TIMEOUT => "The head of the request did not arrive in time.",
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "The head of the request is too large.",
            StatusCode::INTERNAL_SERVER_ERROR => "Something went wrong.",
            _ => "The request is not HTTP as this server reads it.",
        };
        let id = RequestId::generated();
        let network = peer.and_then(network_of).map(tracing::field::display);
        let status = self.status.as_u16();
        tracing::info!(target: "access", request_id = id.as_str(), status, network, "request that cannot be read");
        let status_line = self.head.lines().next().unwrap_or_default();
        let date = self.head.lines().skip(1).filter(|line| line.to_ascii_lowercase().starts_with("date:"));
        closing_response(status_line, date.map(str::to_owned), &Problem::new(code, detail), self.status, &id)
    }
}

/// A response that no handler and no middleware writes, after which the connection ends.
fn closing_response(
    status_line: &str,
    more: impl IntoIterator<Item = String>,
    problem: &Problem,
    status: StatusCode,
    id: &RequestId,
) -> Bytes {
    let body = problem.body_with(status, id);
    // After a request that asked to be kept alive, the HTTP layer announces nothing, and closes all the same.
    let mut response = vec![status_line.to_owned(), "connection: close".to_owned()];
    response.extend(more);
    let headers = response_headers(id);
    response.extend(headers.iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.to_str().ok()?))));
    response.push("content-type: application/problem+json".to_owned());
    response.push(format!("content-length: {}", body.len()));
    Bytes::from(format!("{}\r\n\r\n{body}", response.join("\r\n")))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn sent(written: &[&[u8]]) -> String {
        // A narrow pipe, so that what is written goes through in pieces.
        let (own, mut other) = tokio::io::duplex(16);
        let mut stream = Explaining::new(own, None);
        let reading = async {
            let mut text = String::new();
            other.read_to_string(&mut text).await.unwrap();
            text
        };
        let writing = async {
            for bytes in written {
                stream.write_all(bytes).await.unwrap();
                stream.flush().await.unwrap();
            }
            stream.shutdown().await.unwrap();
            drop(stream);
        };
        tokio::join!(reading, writing).0
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn connections_that_are_accepted_notice_who_vanishes() {
        let socket = TcpSocket::new_v4().unwrap();
        notice_who_vanishes(&socket).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let accepted = SockRef::from(&accepted);
        assert_eq!(accepted.tcp_user_timeout().unwrap(), Some(VANISHED));
        assert!(accepted.keepalive().unwrap());
    }

    #[tokio::test]
    async fn a_bare_response_is_explained_and_nothing_else_is_touched() {
        let response = b"HTTP/1.1 200 OK\r\nx-request-id: 1\r\ncontent-length: 2\r\n\r\nok";
        let refusal = b"HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\ncontent-length: 0\r\n\r\n";
        for whole in [&response[..], refusal, b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"] {
            assert_eq!(sent(&[whole]).await.as_bytes(), whole);
        }

        for (line, status) in [
            ("1.1 400 Bad Request", 400),
            ("1.0 400 Bad Request", 400),
            ("1.1 408 Request Timeout", 408),
            ("1.1 431 Request Header Fields Too Large", 431),
            ("1.1 500 Internal Server Error", 500),
        ] {
            let connection = if status == 431 { "" } else { "connection: keep-alive\r\n" };
            let bare = format!("HTTP/{line}\r\ncontent-length: 0\r\n{connection}date: today\r\n\r\n");
            let both = [response, bare.as_bytes()].concat();
            for written in [vec![&both[..]], vec![&response[..], bare.as_bytes()]] {
                let text = sent(&written).await;
                let rest = text.strip_prefix(std::str::from_utf8(response).unwrap()).unwrap();
                let (head, body) = rest.split_once("\r\n\r\n").unwrap();
                assert!(head.starts_with(&format!("HTTP/{line}\r\nconnection: close\r\ndate: today\r\n")), "{head}");
                assert!(!head.contains("keep-alive"), "{head}");
                assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
                let problem: serde_json::Value = serde_json::from_str(body).unwrap();
                let id = problem["instance"].as_str().unwrap();
                assert!(head.contains(&format!("x-request-id: {id}")), "{head}");
                let code = if status == 500 { "internal" } else { "invalid-request" };
                assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()));
            }
        }
    }

    #[tokio::test]
    async fn a_body_that_looks_like_a_bare_response_is_left_alone() {
        let head = "HTTP/1.1 200 OK\r\nx-request-id: 1\r\n\r\n";
        for body in ["HTTP/1.1 400 x", "HTTP/1.1 400 Bad Request", "HTTP/1.1 400 Bad Request\r\ncontent-length: 0"] {
            for follows in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 204 No Content\r\ndate: today\r\n\r\n"] {
                let whole = format!("{head}{{\"note\":\"{body}\"}}{follows}");
                assert_eq!(sent(&[whole.as_bytes()]).await, whole);
            }
        }
    }

    #[tokio::test]
    async fn a_response_is_reported_as_written_only_once_it_is() {
        let (own, mut other) = tokio::io::duplex(16);
        let mut stream = Explaining::new(own, None);
        let writing = tokio::spawn(async move {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            // Dropped without a flush.
        });
        let mut text = String::new();
        other.read_to_string(&mut text).await.unwrap();
        writing.await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{text}");
    }
}
