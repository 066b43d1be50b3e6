use std::collections::HashMap;

use tokio::{io::AsyncReadExt, net::TcpStream};

/// An HTTP request, read from a connection.
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    /// By lower-case name.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl HttpRequest {
    /// Reads the next request; `bytes` holds what was read beyond the previous one. `None`: the connection has ended.
    pub(crate) async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Self> {
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if stream.read_buf(bytes).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let mut first = lines.next()?.split(' ');
        let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let rest = end + 4 + length;
        while bytes.len() < rest {
            if stream.read_buf(bytes).await.ok()? == 0 {
                return None;
            }
        }
        let body = bytes[end + 4..rest].to_vec();
        bytes.drain(..rest);
        Some(Self { method, path, headers, body })
    }
}
