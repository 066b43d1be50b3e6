use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{
    figure::{Comparison, Figure, median},
    plot::Axes,
};

/// Figures of one kind, and how they were measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// What `--only` calls it; of its plot's file, too.
    pub name: String,
    pub title: String,
    pub note: String,
    pub axes: Option<Axes>,
    /// When and at which commit, if not with the rest of the page.
    #[serde(default)]
    pub apart: Option<String>,
    pub figures: Vec<Figure>,
}

impl Table {
    pub fn new(title: &str, note: &str) -> Self {
        Self {
            name: String::new(),
            title: title.to_owned(),
            note: note.to_owned(),
            axes: None,
            apart: None,
            figures: Vec::new(),
        }
    }

    pub fn with_axes(self, axes: Axes) -> Self {
        Self { axes: Some(axes), ..self }
    }

    /// Another measurement; of what is in the table already, or of something else.
    pub fn record(&mut self, figure: Figure) -> anyhow::Result<()> {
        println!("  {}: {} {}", figure.what, rounded(&figure.measured), figure.unit);
        match self.figures.iter_mut().find(|known| known.what == figure.what) {
            Some(known) => known.merge(figure),
            None => {
                self.figures.push(figure);
                Ok(())
            }
        }
    }

    pub fn ensure_sound(&self, times: usize) -> anyhow::Result<()> {
        anyhow::ensure!(!self.figures.is_empty(), "nothing was measured for {}", self.title);
        self.figures.iter().try_for_each(|figure| figure.ensure_sound(times))
    }

    /// In Markdown, beside the same table of an earlier page.
    pub fn rows(&self, previous: Option<&Self>) -> anyhow::Result<String> {
        let mut text = String::from(
            "| what | measured | p50 / p99 ms | beside it | compared | to reach | previous page |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for figure in &self.figures {
            let latency: Vec<_> = figure.latency.iter().map(|(p50, p99)| format!("{p50:.1} / {p99:.1}")).collect();
            let beside = match figure.reference.as_str() {
                "" => String::new(),
                reference => format!("{reference}: {}", rounded(&figure.beside)),
            };
            let compared = match figure.comparison {
                Comparison::Ratio => ratios(&figure.compared()),
                Comparison::Difference => format!("{} {} more", rounded(&figure.compared()), figure.unit),
                Comparison::Alone => String::new(),
            };
            let before = previous.and_then(|table| table.figures.iter().find(|before| before.what == figure.what));
            writeln!(
                text,
                "| {} | {} {} | {} | {beside} | {compared} | {} | {} |",
                figure.what,
                rounded(&figure.measured),
                figure.unit,
                latency.join(", "),
                figure.verdict(),
                before.map(|before| change(before, figure)).transpose()?.unwrap_or_default()
            )?;
        }
        Ok(text)
    }
}

/// From the median before to the median now, of what both compare.
fn change(before: &Figure, now: &Figure) -> anyhow::Result<String> {
    if before.comparison != now.comparison || before.reference != now.reference {
        return Ok("compared with something else".to_owned());
    }
    let (before, current) = (median(&before.compared())?, median(&now.compared())?);
    let text = if now.comparison == Comparison::Ratio { format!("{before:.2}") } else { rounded(&[before]) };
    // A difference may be nothing, or less.
    Ok(if before > 0.0 { format!("{text} ({:+.0} %)", (current / before - 1.0) * 100.0) } else { text })
}

/// With three digits that say something.
fn rounded(values: &[f64]) -> String {
    let digits = |value: f64| match value.abs() {
        large if large >= 100.0 => 0,
        middling if middling >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    join(values, digits)
}

fn ratios(values: &[f64]) -> String {
    join(values, |_| 2)
}

fn join(values: &[f64], digits: impl Fn(f64) -> usize) -> String {
    values.iter().map(|value| format!("{value:.*}", digits(*value))).collect::<Vec<_>>().join(", ")
}
