use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::rush::customers::Tally;

/// One row of a table: the same thing measured several times, with what it is compared with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    pub what: String,
    pub unit: String,
    pub measured: Vec<f64>,
    /// p50 and p99 in milliseconds, where orders or requests were counted.
    pub latency: Vec<(f64, f64)>,
    /// What was measured beside it; empty: nothing.
    pub reference: String,
    pub beside: Vec<f64>,
    pub comparison: Comparison,
    pub target: Option<Target>,
    /// Where it stands in the plot: a line of it, and a place along that.
    pub point: Option<(String, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Measured by beside.
    Ratio,
    /// Measured less beside.
    Difference,
    /// With nothing.
    Alone,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn is_reached_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl Figure {
    /// A first measurement.
    pub fn new(what: impl Into<String>, unit: &str, measured: f64) -> Self {
        Self {
            what: what.into(),
            unit: unit.to_owned(),
            measured: vec![measured],
            latency: Vec::new(),
            reference: String::new(),
            beside: Vec::new(),
            comparison: Comparison::Alone,
            target: None,
            point: None,
        }
    }

    pub fn orders(what: impl Into<String>, tally: &Tally) -> Self {
        let latency = vec![(tally.milliseconds(0.5), tally.milliseconds(0.99))];
        Self { latency, ..Self::new(what, "orders/s", tally.placed_per_second()) }
    }

    pub fn beside(self, reference: impl Into<String>, value: f64) -> Self {
        Self { reference: reference.into(), beside: vec![value], comparison: Comparison::Ratio, ..self }
    }

    pub fn more_than(self, reference: impl Into<String>, value: f64) -> Self {
        Self { comparison: Comparison::Difference, ..self.beside(reference, value) }
    }

    pub fn at_least(self, least: f64) -> Self {
        Self { target: Some(Target::AtLeast(least)), ..self }
    }

    pub fn at_most(self, most: f64) -> Self {
        Self { target: Some(Target::AtMost(most)), ..self }
    }

    pub fn plotted(self, line: impl Into<String>, x: f64) -> Self {
        Self { point: Some((line.into(), x)), ..self }
    }

    /// Takes in another measurement of the same.
    pub fn merge(&mut self, again: Self) -> anyhow::Result<()> {
        ensure!(self.unit == again.unit && self.reference == again.reference, "two figures are called {}", self.what);
        self.measured.extend(again.measured);
        self.latency.extend(again.latency);
        self.beside.extend(again.beside);
        Ok(())
    }

    /// Nothing was measured as nothing, and nothing was left out.
    pub fn ensure_sound(&self, times: usize) -> anyhow::Result<()> {
        let of_all = |values: &[f64]| values.len() == times && values.iter().all(|value| value.is_finite());
        ensure!(of_all(&self.measured), "{}: {:?} was measured {times} times", self.what, self.measured);
        let is_compared = self.comparison != Comparison::Alone;
        ensure!(!is_compared || of_all(&self.beside), "{}: beside it, {:?}", self.what, self.beside);
        ensure!(of_all(&self.compared()), "{}: compared, it is {:?}", self.what, self.compared());
        Ok(())
    }

    /// What the target is for, of each measurement.
    pub fn compared(&self) -> Vec<f64> {
        let pairs = || self.measured.iter().zip(&self.beside);
        match self.comparison {
            Comparison::Ratio => pairs().map(|(measured, beside)| measured / beside).collect(),
            Comparison::Difference => pairs().map(|(measured, beside)| measured - beside).collect(),
            Comparison::Alone => self.measured.clone(),
        }
    }

    /// The target, and how often it was reached.
    pub fn verdict(&self) -> String {
        let Some(target) = self.target else { return String::new() };
        let compared = self.compared();
        let reached = compared.iter().filter(|value| target.is_reached_by(**value)).count();
        let verdict = match reached {
            0 => "not reached".to_owned(),
            all if all == compared.len() => "reached".to_owned(),
            some => format!("reached {some} of {} times", compared.len()),
        };
        match target {
            Target::AtLeast(least) => format!("≥ {least}: {verdict}"),
            Target::AtMost(most) => format!("≤ {most}: {verdict}"),
        }
    }
}

/// The one in the middle.
pub fn median(values: &[f64]) -> anyhow::Result<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().context("nothing was measured")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(measured: f64, beside: f64) -> Figure {
        Figure::new("orders", "orders/s", measured).beside("pgbench", beside).at_least(1.5)
    }

    #[test]
    fn a_target_is_for_what_is_compared_each_time() {
        let mut figure = ratio(150.0, 100.0);
        assert_eq!(figure.verdict(), "≥ 1.5: reached");
        figure.merge(ratio(140.0, 100.0)).unwrap();
        assert_eq!(figure.compared(), [1.5, 1.4]);
        assert_eq!(figure.verdict(), "≥ 1.5: reached 1 of 2 times");
        assert_eq!(Figure::new("p99", "ms", 30.0).at_most(25.0).verdict(), "≤ 25: not reached");
        assert_eq!(Figure::new("p50", "ms", 1.25).more_than("alone", 1.0).compared(), [0.25]);
    }

    #[test]
    fn what_was_left_out_or_is_no_number_is_no_figure() {
        let figure = ratio(150.0, 100.0);
        figure.ensure_sound(1).unwrap();
        figure.ensure_sound(2).unwrap_err();
        ratio(150.0, 0.0).ensure_sound(1).unwrap_err();
        ratio(f64::NAN, 100.0).ensure_sound(1).unwrap_err();
    }

    #[test]
    fn two_different_figures_are_not_merged() {
        let other = Figure::new("orders", "orders/s", 150.0).beside("one server", 100.0);
        ratio(150.0, 100.0).merge(other).unwrap_err();
    }
}
