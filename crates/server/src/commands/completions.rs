use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Comanda, print};

#[derive(Args)]
pub struct Completions {
    /// The shell that runs the script.
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Comanda::command(), "comanda", &mut script);
        print(&String::from_utf8(script)?)
    }
}
