use std::time::Duration;

/// Decides whether to renew a copy that still has `left` to live. Renewal becomes more likely the closer the end is and
/// the longer a load takes, so that somebody renews the copy before it expires, and hardly ever two at once.
///
/// This is `XFetch` from Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB
/// 2015, with β = 1. `chance` is uniform between 0 and 1.
pub(crate) fn is_due(left: Duration, load_took: Duration, chance: f64) -> bool {
    load_took.as_secs_f64() * -chance.max(f64::MIN_POSITIVE).ln() >= left.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chance_grows_towards_the_end() {
        let took = Duration::from_millis(100);
        // P(-ln U >= x) = e^-x
        for (left, expected) in [(0, 1.0), (100, 0.3679), (200, 0.1353), (1000, 0.000_045)] {
            let left = Duration::from_millis(left);
            let due = (0..1_000_000).filter(|n| is_due(left, took, f64::from(*n) / 1e6)).count();
            #[expect(clippy::cast_precision_loss, reason = "an f64 holds a million exactly")]
            let share = due as f64 / 1e6;
            assert!((share - expected).abs() < 0.001, "{left:?}: {share}");
        }
    }
}
