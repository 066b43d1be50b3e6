//! The end of listening.
//!
//! Whoever closes a listener resets the connections that nobody has accepted yet, and those whose handshake is under
//! way. A proxy takes them for open, has sent a request on some of them, and cannot know whether it was read: an order
//! without a key may not be sent again. So the listener is closed only once no connection can be under way.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

/// How long handshakes that have begun, and the first requests after them, may take.
///
/// Less than a second: whoever asks for a connection meanwhile hears nothing, asks again after a second (RFC 6298), and
/// is refused by then, which is what lets a proxy turn to another server.
const LAST_ENTRIES: Duration = Duration::from_millis(500);

/// The socket on which connections are accepted.
pub struct Listening {
    /// The server has another handle of it.
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Listening {
    pub(super) fn on(listener: &TcpListener) -> io::Result<Self> {
        Ok(Self { listener: listener.try_clone()?, address: listener.local_addr()? })
    }

    /// Begins no more connections, and waits until those that have begun were accepted. The socket closes when the
    /// server is stopped.
    pub async fn let_in_the_last(self) {
        match ignore_who_comes_now(&self.listener) {
            Ok(()) => tokio::time::sleep(LAST_ENTRIES).await,
            // What is left is the moment between the last connection that is accepted and the end.
            Err(error) => tracing::info!(%error, "connections that begin at the very end may be lost"),
        }
    }
}

/// Has the kernel drop packets that ask for a connection. Other packets pass, so handshakes under way are finished.
#[cfg(target_os = "linux")]
fn ignore_who_comes_now(listener: &TcpListener) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};

    // Classic BPF, as in <linux/bpf_common.h>.
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    // Of a TCP header (RFC 9293, section 3.1).
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        // Nothing of the packet.
        SockFilter::new(RETURN, 0, 0, 0),
        // All of it.
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ])
}

#[cfg(not(target_os = "linux"))]
fn ignore_who_comes_now(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};

    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn connections_that_have_begun_are_there_and_no_other_begins() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listening = Listening::on(&listener).unwrap();
        let address = listening.address;
        // Nobody has accepted it yet.
        let mut begun = std::net::TcpStream::connect(address).unwrap();
        let ending = tokio::spawn(listening.let_in_the_last());
        tokio::task::yield_now().await;
        let late = TcpStream::connect(address);
        let late = tokio::spawn(late);
        ending.await.unwrap();
        assert!(!late.is_finished(), "it hears nothing");
        begun.write_all(b"?").unwrap();
        let (mut accepted, _) = listener.accept().unwrap();
        accepted.read_exact(&mut [0]).unwrap();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(listener);
        assert_eq!(late.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}
