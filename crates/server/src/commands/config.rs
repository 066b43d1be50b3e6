use clap::Subcommand;
use serde_json::json;

use super::{Format, Settings, print, print_json};
use crate::config::{sections, table};

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Read and check every setting as `serve` does, and list every mistake.
    Check(Format),
    /// List every setting with its default and meaning, as tables in Markdown.
    List(Format),
}

impl ConfigCommand {
    pub fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Check(format) => check(settings, &format),
            Self::List(Format { json: false }) => print(&table()),
            Self::List(Format { json: true }) => print_json(&sections()),
        }
    }
}

fn check(settings: &Settings, format: &Format) -> anyhow::Result<()> {
    let checked = settings.server();
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
