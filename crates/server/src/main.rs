//! The `comanda` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    comanda_server::run()
}
