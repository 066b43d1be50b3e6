//! The page of figures: tables, plots, and a file by which the next page compares itself with this one.

pub mod figure;
pub mod machine;
pub mod plot;
pub mod table;

use std::{
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use self::{machine::MeasuredOn, table::Table};

/// Everything on the page.
#[derive(Serialize, Deserialize)]
pub struct Page {
    /// The day it was measured.
    pub day: String,
    pub commit: String,
    pub machine: MeasuredOn,
    /// How often and how long each figure was measured, and with which settings.
    pub manner: String,
    pub tables: Vec<Table>,
}

impl Page {
    const FIGURES: &str = "figures.json";

    /// The page in a folder, if there is one.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(Self::FIGURES);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let page = serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
                Ok(Some(page))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// With tables that were measured later. Returns what they are compared with, too.
    pub fn with(mut self, later: Self) -> (Self, Option<Self>) {
        let mut replaced = Vec::new();
        for mut table in later.tables {
            table.apart = Some(format!("on {}, at commit `{}`", later.day, later.commit));
            match self.tables.iter_mut().find(|known| known.name == table.name) {
                Some(known) => replaced.push(std::mem::replace(known, table)),
                None => self.tables.push(table),
            }
        }
        let previous = (!replaced.is_empty()).then(|| Self {
            day: self.day.clone(),
            commit: self.commit.clone(),
            machine: self.machine.clone(),
            manner: self.manner.clone(),
            tables: replaced,
        });
        (self, previous)
    }

    /// Replaces the page in a folder; returns the file to look at.
    pub fn write(&self, folder: &Path, previous: Option<&Self>) -> anyhow::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        for table in &self.tables {
            if let Some(axes) = &table.axes {
                plot::draw(&folder.join(plot_of(table)), &table.title, axes, &table.figures)?;
            }
        }
        let file = folder.join("README.md");
        fs::write(&file, self.text(previous)?)?;
        fs::write(folder.join(Self::FIGURES), serde_json::to_string_pretty(self)? + "\n")?;
        Ok(file)
    }

    /// In Markdown, compared with another one.
    pub fn text(&self, previous: Option<&Self>) -> anyhow::Result<String> {
        let mut text = String::from(
            "# How fast it is\n\n\
             Written by `cargo xtask bench`, which measures all of it again, and compares it with this page.\n\
             What counts are ratios: what is measured and what stands beside it were measured in the same run, one after\n\
             the other.\n\n",
        );
        writeln!(text, "Measured on {}, at commit `{}`.\n\n{}", self.day, self.commit, self.machine.lines())?;
        writeln!(text, "{}\n", self.manner)?;
        match previous {
            None => writeln!(text, "There is no previous page.")?,
            Some(previous) => {
                let machine =
                    if previous.machine.machine.is_like(&self.machine.machine) { "a like" } else { "another" };
                writeln!(
                    text,
                    "The previous page is of {}, at commit `{}`, on {machine} machine; the last column compares the \
                     medians of the column before \"to reach\", or of what was measured where nothing is compared.",
                    previous.day, previous.commit
                )?;
            }
        }
        for table in &self.tables {
            let before = previous.and_then(|page| page.tables.iter().find(|before| before.name == table.name));
            writeln!(text, "\n## {}\n\n{}\n", table.title, table.note)?;
            if let Some(apart) = &table.apart {
                writeln!(text, "Measured apart from the rest, {apart}.\n")?;
            }
            text.push_str(&table.rows(before)?);
            if table.axes.is_some() {
                writeln!(text, "\n![{}]({})", table.title, plot_of(table))?;
            }
            writeln!(text, "\nTo repeat: `cargo xtask bench --only {}`", table.name)?;
        }
        Ok(text)
    }
}

fn plot_of(table: &Table) -> String {
    format!("{}.svg", table.name)
}
