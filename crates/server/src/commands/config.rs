use clap::{Args, Subcommand};
use serde_json::json;

use super::{Format, Settings, print, print_json};
use crate::config::{sections, table};

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Read and check every setting as `serve` does, and list every mistake.
    ///
    /// That includes whether a server could listen at its addresses. It connects to nothing: `comanda doctor` does.
    Check(Check),
    /// List every setting with its default and meaning, as tables in Markdown.
    List(Format),
}

#[derive(Args)]
pub struct Check {
    /// A server with these settings is running: do not look whether its addresses are free.
    #[arg(long)]
    while_serving: bool,
    #[command(flatten)]
    format: Format,
}

impl ConfigCommand {
    pub fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Check(command) => check(settings, &command),
            Self::List(Format { json: false }) => print(&table()),
            Self::List(Format { json: true }) => print_json(&sections()),
        }
    }
}

fn check(settings: &Settings, command: &Check) -> anyhow::Result<()> {
    let Check { while_serving, format } = command;
    let checked = settings.server().and_then(|config| {
        if !while_serving {
            config.http.ensure_free()?;
        }
        Ok(config)
    });
    if format.json {
        let mistakes = checked.as_ref().err().map_or(&[][..], |error| &error.0);
        let warnings = checked.as_ref().map_or(&[][..], |config| &config.warnings);
        print_json(&json!({ "usable": checked.is_ok(), "mistakes": mistakes, "warnings": warnings }))?;
    }
    let warnings = checked?.warnings;
    if format.json {
        return Ok(());
    }
    print("The configuration can be used.\n")?;
    warnings.iter().try_for_each(|warning| print(&format!("Warning: {warning}\n")))
}
