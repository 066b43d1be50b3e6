//! Measures what a breaker adds to a call: `cargo bench --package comanda-resilience`.

#![expect(clippy::print_stdout, reason = "the benchmark reports to a person")]

use std::{hint::black_box, time::Instant};

use comanda_domain::ports::Unavailable;
use comanda_resilience::{Breaker, BreakerSettings};

const CALLS: u32 = 2_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let breaker = Breaker::new("bench", BreakerSettings::default());
    let respond = || async { Ok::<_, Unavailable>(black_box(1)) };
    for _ in 0..3 {
        let bare = Instant::now();
        for _ in 0..CALLS {
            let _ = black_box(respond().await);
        }
        let bare = bare.elapsed();
        let guarded = Instant::now();
        for _ in 0..CALLS {
            let _ = black_box(breaker.call(respond()).await);
        }
        println!("a breaker adds {:?} to a call", guarded.elapsed().saturating_sub(bare) / CALLS);
    }
}
