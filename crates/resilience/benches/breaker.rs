//! What a breaker adds to a call: `cargo bench --package comanda-resilience`.

#![allow(clippy::print_stdout, reason = "a benchmark for people prints")]

use std::{hint::black_box, time::Instant};

use comanda_domain::ports::Unavailable;
use comanda_resilience::{Breaker, BreakerSettings};

const CALLS: u32 = 2_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let breaker = Breaker::new("bench", BreakerSettings::default());
    let answer = || async { Ok::<_, Unavailable>(black_box(1)) };
    for _ in 0..3 {
        let bare = Instant::now();
        for _ in 0..CALLS {
            let _ = black_box(answer().await);
        }
        let bare = bare.elapsed();
        let guarded = Instant::now();
        for _ in 0..CALLS {
            let _ = black_box(breaker.call(answer()).await);
        }
        println!("a breaker adds {:?} to a call", guarded.elapsed().saturating_sub(bare) / CALLS);
    }
}
