use rand::{SeedableRng, rngs::StdRng};

/// A random number generator that repeats a failed test: it prints its seed, and `TEST_SEED` sets it.
pub fn seeded() -> StdRng {
    let seed = std::env::var("TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random::<u64>);
    println!("repeat with TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}
