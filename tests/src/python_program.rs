use std::{
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::from_xtask;

/// A third-party server, written in Python and installed by `cargo xtask test`. Killed when dropped.
pub struct PythonProgram {
    child: Child,
    /// `127.0.0.1:port`
    pub address: String,
    output: Arc<Mutex<String>>,
}

impl PythonProgram {
    /// A stateful fake of Stripe (<https://pypi.org/project/localstripe/>).
    pub fn localstripe() -> Self {
        Self::start(|port| {
            vec!["-m".to_owned(), "localstripe".to_owned(), "--from-scratch".to_owned(), format!("--port={port}")]
        })
    }

    /// An SMTP server that prints the mails it receives (<https://pypi.org/project/aiosmtpd/>).
    pub fn mail_server() -> Self {
        Self::start(|port| {
            let listen = format!("127.0.0.1:{port}");
            ["-u", "-m", "aiosmtpd", "-n", "-l", &listen, "-c", "aiosmtpd.handlers.Debugging", "stdout"]
                .map(str::to_owned)
                .into()
        })
    }

    fn start(arguments: impl Fn(u16) -> Vec<String>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut child = Command::new(from_xtask("TEST_PYTHON"))
            .args(arguments(port))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let stdout = child.stdout.take().expect("a pipe");
        let output: Arc<Mutex<String>> = Arc::default();
        let all = Arc::clone(&output);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let mut all = all.lock().expect("not poisoned");
                all.push_str(&line);
                all.push('\n');
            }
        });
        let address = format!("127.0.0.1:{port}");
        let begin = Instant::now();
        while TcpStream::connect(&address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(30), "it does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, address, output }
    }

    /// Its output so far.
    pub fn output(&self) -> String {
        self.output.lock().expect("not poisoned").clone()
    }
}

impl Drop for PythonProgram {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
