use std::{fmt, time::Duration};

use rand::{RngExt, rngs::StdRng};

use super::{person::derived, strike::Strike};
use crate::build::Profile;

/// What a run does. But for how the servers are built, all of it is drawn from its seed.
pub struct Plan {
    pub seed: u64,
    pub servers: usize,
    /// How the servers are built.
    pub profile: Profile,
    pub length: Duration,
    /// Settings of the servers.
    pub settings: Vec<(&'static str, String)>,
    pub strikes: Vec<Planned>,
    /// A fault in the servers, for the checker to find.
    pub planted: Option<String>,
}

/// A fault, and when it is struck.
pub struct Planned {
    pub after: Duration,
    pub strike: Strike,
    /// How long it lasts.
    pub lasts: Duration,
}

impl Plan {
    /// How long everybody works before anything breaks.
    const CALM: Duration = Duration::from_secs(8);
    /// Nothing breaks at the end: what does not recover would look like what was cut short.
    const LAST: Duration = Duration::from_secs(5);
    /// The same where there is time: servers that have missed something for good are told from those that are late.
    const LAST_OF_LONG: Duration = Duration::from_secs(40);

    pub const LOCKOUT_STEPS_S: [u64; 4] = [2, 4, 8, 16];
    pub const LOCKOUT_WINDOW_S: u64 = 600;

    pub fn draw(seed: u64, servers: Option<usize>, length: Duration, faultless: bool) -> Self {
        let mut random = derived(seed, "plan");
        let drawn = random.random_range(2..=4);
        let servers = servers.unwrap_or(drawn);
        let one_of = |random: &mut StdRng, values: &[&str]| values[random.random_range(0..values.len())].to_owned();
        let settings = vec![
            ("ACCEPT_ORDERS", one_of(&mut random, &["staff", "paid", "always"])),
            ("EARLY_LOCK_RELEASE", one_of(&mut random, &["never", "always", "auto"])),
            ("FLAG_PARTIAL_INVALIDATION", one_of(&mut random, &["0", "100"])),
            // So that locks are met and outlived.
            ("LOCKOUT_STEPS_SECONDS", Self::LOCKOUT_STEPS_S.map(|step| step.to_string()).join(",")),
            ("LOCKOUT_WINDOW_SECONDS", Self::LOCKOUT_WINDOW_S.to_string()),
            // So that sessions go on by refreshing.
            ("ACCESS_TOKEN_SECONDS", "600".to_owned()),
            // So that browsers' cookies are renewed, which takes a sixth.
            ("BROWSER_IDLE_SECONDS", "60".to_owned()),
            ("ADDRESS_LIMIT_BURST", "1000000".to_owned()),
            ("ADDRESS_LIMIT_PER_MINUTE", "60000".to_owned()),
            ("STREAMS_PER_ACCOUNT", "1000".to_owned()),
            // With each outage of what it shares with others; see `logs`.
            ("LOG", "warn,comanda_resilience=debug".to_owned()),
        ];
        // Whoever has a standby waits for it with every commit, which hides what happens without one.
        let has_standby = random.random_ratio(1, 3);
        let mut strikes = Vec::new();
        let mut random = derived(seed, "strikes");
        let last = if length < 4 * Self::LAST_OF_LONG { Self::LAST } else { Self::LAST_OF_LONG };
        let mut after = Self::CALM;
        loop {
            let strike = match Strike::draw(&mut random, servers) {
                Strike::FailedOver if !has_standby => Strike::PostgresKilled,
                strike => strike,
            };
            let lasts = Duration::from_millis(random.random_range(300..3500));
            if faultless || after + lasts + last > length {
                break;
            }
            strikes.push(Planned { after, strike, lasts });
            after += lasts + Duration::from_millis(random.random_range(2000..9000));
        }
        if has_standby && strikes.iter().all(|planned: &Planned| planned.strike != Strike::FailedOver) {
            let middle = strikes.len() / 2;
            strikes.iter_mut().skip(middle).take(1).for_each(|planned| planned.strike = Strike::FailedOver);
        }
        Self { seed, servers, profile: Profile::Development, length, settings, strikes, planted: None }
    }

    /// With servers as they are shipped.
    #[must_use]
    pub fn with_released_servers(self) -> Self {
        Self { profile: Profile::Release, ..self }
    }

    /// With a fault in the servers. Nothing breaks but PostgreSQL, so many times.
    #[must_use]
    pub fn with_planted(mut self, fault: &str, crashes: u32) -> Self {
        self.settings.push(("PLANTED_FAULT", fault.to_owned()));
        let (strike, lasts) = (Strike::PostgresKilled, Duration::from_millis(300));
        let apart = self.length.saturating_sub(Self::CALM + Self::LAST) / crashes.max(1);
        let crash = |n| Planned { after: Self::CALM + apart * n, strike, lasts };
        let strikes = if self.strikes.is_empty() { Vec::new() } else { (0..crashes).map(crash).collect() };
        Self { planted: Some(fault.to_owned()), strikes, ..self }
    }

    /// What repeats it.
    pub fn command(&self) -> String {
        let Self { seed, servers, .. } = self;
        if let Some(fault) = &self.planted {
            return format!("cargo xtask prove --planted {fault} --seed {seed} --servers {servers}");
        }
        let faultless = if self.strikes.is_empty() { " --faultless" } else { "" };
        let release = if self.profile == Profile::Release { " --release" } else { "" };
        let minutes = self.length.as_secs() / 60;
        format!("cargo xtask prove --seed {seed} --servers {servers} --minutes {minutes}{faultless}{release}")
    }

    /// Whether there is a standby of PostgreSQL.
    pub fn has_standby(&self) -> bool {
        self.strikes.iter().any(|planned| planned.strike == Strike::FailedOver)
    }

    /// The choices of somebody.
    pub fn random(&self, name: &str) -> StdRng {
        derived(self.seed, name)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shipped = if self.profile == Profile::Release { " as they are shipped" } else { "" };
        write!(formatter, "{} servers{shipped} for {} s", self.servers, self.length.as_secs())?;
        write!(formatter, ", {} faults", self.strikes.len())?;
        formatter.write_str(if self.has_standby() { ", with a standby;" } else { ";" })?;
        for (name, value) in self.settings.iter().take(3) {
            write!(formatter, " {name}={value}")?;
        }
        Ok(())
    }
}
