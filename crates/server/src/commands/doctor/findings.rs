use std::fmt::Display;

use serde::Serialize;

/// What the doctor has found, in the order in which it looked.
#[derive(Default)]
pub struct Findings(pub Vec<Finding>);

#[derive(Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    pub verdict: Verdict,
    #[serde(rename = "finding")]
    pub says: String,
    /// `None`: nothing has to be done.
    #[serde(rename = "do")]
    pub todo: Option<String>,
    #[serde(skip)]
    pub is_unreachable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// It may be meant.
    Notice,
    /// Something does not work, or will not for long.
    Problem,
    /// It cannot be found out from here.
    Unknown,
}

impl Findings {
    pub fn ok(&mut self, check: &'static str, says: impl Display) {
        self.add(check, Verdict::Ok, says, None);
    }

    pub fn notice(&mut self, check: &'static str, says: impl Display, todo: &str) {
        self.add(check, Verdict::Notice, says, Some(todo.to_owned()));
    }

    pub fn problem(&mut self, check: &'static str, says: impl Display, todo: &str) {
        self.add(check, Verdict::Problem, says, Some(todo.to_owned()));
    }

    pub fn unknown(&mut self, check: &'static str, says: impl Display, todo: &str) {
        self.add(check, Verdict::Unknown, says, Some(todo.to_owned()));
    }

    /// A service cannot be reached.
    pub fn unreachable(&mut self, check: &'static str, says: impl Display, todo: &str) {
        self.problem(check, says, todo);
        if let Some(last) = self.0.last_mut() {
            last.is_unreachable = true;
        }
    }

    pub fn are_healthy(&self) -> bool {
        self.0.iter().all(|finding| finding.verdict != Verdict::Problem)
    }

    fn add(&mut self, check: &'static str, verdict: Verdict, says: impl Display, todo: Option<String>) {
        self.0.push(Finding { check, verdict, says: says.to_string(), todo, is_unreachable: false });
    }

    /// The difference of a clock from this machine's. Tokens of a server are valid at another whose clock differs by
    /// five minutes at most.
    pub fn clock(&mut self, check: &'static str, ahead: f64) {
        const NOTICEABLE: f64 = 2.0;
        const HARMFUL: f64 = 60.0;
        let says = format!("differs by {:.1} s from this machine's", ahead.abs());
        let todo = "let chrony or systemd-timesyncd set the clocks of all machines";
        match ahead.abs() {
            difference if difference > HARMFUL => self.problem(check, says, todo),
            difference if difference > NOTICEABLE => self.notice(check, says, todo),
            _ => self.ok(check, says),
        }
    }
}

/// Seconds since 1970, by this machine's clock.
pub fn now() -> f64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |time| time.as_secs_f64())
}
