use comanda_domain::{DeviceId, LockReason, LockoutState, PageLimit, Timestamp};
use comanda_tests::{redis_url, seeded};
use rand::{RngExt, rngs::StdRng};
use uuid::Uuid;

use super::*;

async fn lockouts(policy: LockoutPolicy) -> RedisLockouts {
    let connections =
        RedisConnections::new(&redis_url().await.parse().unwrap(), None, 4, Duration::from_secs(5)).unwrap();
    RedisLockouts::new(connections, policy, Duration::from_secs(5))
}

fn at(milliseconds: i64) -> Timestamp {
    DateTime::from_timestamp_millis(1_790_000_000_000 + milliseconds).unwrap()
}

fn stranger(n: usize) -> Claimant {
    Claimant::stranger(address(n))
}

fn address(n: usize) -> Email {
    Email::new(&format!("customer-{n}@example.org")).unwrap()
}

/// Time steps that often hit the edges of the policy's windows and locks.
fn some_time(random: &mut StdRng) -> i64 {
    [0, 0, 1, 999, 1000, 1001, 4999, 5000, 60_000, 299_999, 300_000, 86_400_000][random.random_range(0..12)]
}

/// The script and the pure policy decide alike, whatever happens.
#[tokio::test]
async fn ten_thousand_random_histories_are_decided_alike() {
    let mut random = seeded();
    let mut redis = lockouts(LockoutPolicy::default()).await;
    let mut connection = redis.connections.pool.get_owned().await.unwrap();
    for history in 0..10_000 {
        let policy = LockoutPolicy {
            free_failures: random.random_range(0..4),
            window: TimeDelta::milliseconds([5000, 300_000, 86_400_000][random.random_range(0..3)]),
            steps: [1000, 5000, 60_000, 300_000].map(TimeDelta::milliseconds),
            quiet: TimeDelta::milliseconds([300_000, 86_400_000][random.random_range(0..2)]),
            attempt_lifetime: TimeDelta::milliseconds([1000, 5000][random.random_range(0..2)]),
        };
        redis.policy = policy.clone();
        let device = random.random_bool(0.3).then(|| DeviceId::new(Uuid::from_u128(7)));
        let claimant = Claimant { email: address(history), device };
        let (mut state, mut now) = (LockoutState::default(), 0);
        for step in 0..random.random_range(1..25) {
            now += some_time(&mut random);
            redis.now = Some(at(now));
            let id = AttemptId::new(Uuid::from_u128(random.random_range(0..4)));
            let ago = TimeDelta::milliseconds(some_time(&mut random));
            let outcome = match random.random_range(0..6) {
                0 => AttemptOutcome::Success,
                1 => AttemptOutcome::EarlierSuccess(ago),
                2 => AttemptOutcome::NotChecked,
                _ => AttemptOutcome::Failure,
            };
            let (operation, expected) = match random.random_range(0..11) {
                0..5 => (Operation::Begin(id), policy.begin(&mut state, id, at(now))),
                5..8 => {
                    policy.settle(&mut state, id, outcome, at(now));
                    (Operation::Settle(id, outcome), now_locked(&policy, &mut state, at(now)))
                }
                8 => (Operation::Lock, now_locked(&policy, &mut state, at(now))),
                9 => {
                    let locked_at = now - some_time(&mut random).min(300_000);
                    let lock = Lock {
                        attempts: random.random_range(1..8),
                        level: random.random_range(1..6),
                        first_failed_at: at(locked_at - some_time(&mut random)),
                        locked_at: at(locked_at),
                        unlock_at: at(locked_at + some_time(&mut random)),
                    };
                    policy.adopt(&mut state, lock, at(now));
                    (Operation::Adopt(lock), now_locked(&policy, &mut state, at(now)))
                }
                _ => {
                    policy.unlock(&mut state, at(now));
                    (Operation::Unlock, now_locked(&policy, &mut state, at(now)))
                }
            };
            let decided = redis.run_on(&mut *connection, &claimant, &operation).await.unwrap();
            assert_eq!(decided, expected, "history {history}, step {step}, at {now} ms, {policy:?}");
        }
    }
}

fn now_locked(policy: &LockoutPolicy, state: &mut LockoutState, now: Timestamp) -> Admission {
    policy.lock(state, now).map_or(Admission::Allowed, Admission::Locked)
}

async fn fail(redis: &RedisLockouts, claimant: &Claimant) -> Option<Lock> {
    let id = AttemptId::new(Uuid::now_v7());
    assert_eq!(redis.begin(claimant, id).await.unwrap(), Admission::Allowed);
    redis.settle(claimant, id, AttemptOutcome::Failure).await.unwrap()
}

#[tokio::test]
async fn strangers_and_known_devices_have_allowances_of_their_own() {
    let redis = lockouts(LockoutPolicy { free_failures: 2, ..LockoutPolicy::default() }).await;
    let device = |n| Claimant::known(address(0), DeviceId::new(Uuid::from_u128(n)));
    let id = || AttemptId::new(Uuid::now_v7());
    assert_eq!(fail(&redis, &stranger(0)).await, None);
    assert_eq!(fail(&redis, &stranger(0)).await.map(|lock| lock.level), Some(1), "the second failure locks");
    assert!(matches!(redis.begin(&stranger(0), id()).await.unwrap(), Admission::Locked(_)));

    let own = id();
    assert_eq!(redis.begin(&device(1), own).await.unwrap(), Admission::Allowed);
    assert_eq!(redis.settle(&device(1), own, AttemptOutcome::Success).await.unwrap(), None);
    assert!(matches!(redis.begin(&stranger(0), id()).await.unwrap(), Admission::Locked(_)), "strangers stay out");

    assert_eq!(fail(&redis, &device(1)).await, None);
    assert!(fail(&redis, &device(1)).await.is_some(), "a device has its own lock");
    assert!(matches!(redis.begin(&device(1), id()).await.unwrap(), Admission::Locked(_)));
    assert_eq!(fail(&redis, &device(2)).await, None, "another device");
    assert_eq!(redis.list(LockoutsQuery::default()).await.unwrap().entries.len(), 1);

    redis.unlock(&address(0)).await.unwrap();
    for claimant in [stranger(0), device(1), device(2)] {
        assert_eq!(fail(&redis, &claimant).await, None, "{claimant:?} starts anew");
    }
    assert!(fail(&redis, &device(1)).await.is_some());
    assert!(redis.find(&address(0)).await.unwrap().is_some(), "the lock of a device can be found, and lifted");
    assert!(redis.list(LockoutsQuery::default()).await.unwrap().entries.is_empty());
}

/// A server of the release before has stored the domain in Punycode, and the lock is lifted by what is stored.
#[tokio::test]
async fn a_lock_is_found_and_lifted_by_whichever_spelling_is_stored() {
    let redis = lockouts(LockoutPolicy { free_failures: 1, ..LockoutPolicy::default() }).await;
    let (typed, stored) =
        (Email::attempt("ana@B\u{fc}cher.example").unwrap(), Email::stored("ana@xn--bcher-kva.example"));
    assert!(fail(&redis, &Claimant::stranger(typed.clone())).await.is_some());
    assert!(redis.find(&stored).await.unwrap().is_some());
    let id = AttemptId::new(Uuid::now_v7());
    assert!(matches!(redis.begin(&Claimant::stranger(stored.clone()), id).await.unwrap(), Admission::Locked(_)));
    redis.unlock(&stored).await.unwrap();
    assert!(redis.find(&typed).await.unwrap().is_none());
    assert!(redis.list(LockoutsQuery::default()).await.unwrap().entries.is_empty());
}

#[tokio::test]
async fn a_script_that_redis_has_forgotten_is_sent_again() {
    let redis = lockouts(LockoutPolicy::default()).await;
    fail(&redis, &stranger(0)).await;
    let mut connection = redis.connections.take().await.unwrap();
    let () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut *connection).await.unwrap();
    fail(&redis, &stranger(0)).await;
}

#[tokio::test]
async fn a_busy_attempt_proceeds_when_another_succeeds() {
    let redis = lockouts(LockoutPolicy { free_failures: 1, ..LockoutPolicy::default() }).await;
    let (claimant, first, second) =
        (stranger(0), AttemptId::new(Uuid::from_u128(1)), AttemptId::new(Uuid::from_u128(2)));
    assert_eq!(redis.begin(&claimant, first).await.unwrap(), Admission::Allowed);
    let waiting = redis.begin(&claimant, second);
    let succeeding = async {
        tokio::task::yield_now().await;
        redis.settle(&claimant, first, AttemptOutcome::Success).await.unwrap();
    };
    assert_eq!(tokio::join!(waiting, succeeding).0.unwrap(), Admission::Allowed);
}

#[tokio::test]
async fn a_busy_attempt_gives_up_when_its_patience_ends() {
    let redis = lockouts(LockoutPolicy { free_failures: 1, ..LockoutPolicy::default() }).await;
    let redis = RedisLockouts { patience: Duration::from_millis(30), ..redis };
    redis.begin(&stranger(0), AttemptId::new(Uuid::from_u128(1))).await.unwrap();
    assert_eq!(redis.begin(&stranger(0), AttemptId::new(Uuid::from_u128(2))).await.unwrap(), Admission::Busy);
}

#[tokio::test]
async fn keys_expire_and_are_deleted_once_nothing_counts_any_more() {
    let redis = lockouts(LockoutPolicy::default()).await;
    let claimant = stranger(0);
    let mut connection = redis.connections.take().await.unwrap();
    fail(&redis, &claimant).await;
    let key = format!("lockout:{{{}}}", claimant.email);
    let ttl: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut *connection).await.unwrap();
    assert!((86_400_000..=86_410_000).contains(&ttl), "{ttl}");
    let id = AttemptId::new(Uuid::now_v7());
    redis.begin(&claimant, id).await.unwrap();
    redis.settle(&claimant, id, AttemptOutcome::Success).await.unwrap();
    let exists: i64 = redis::cmd("EXISTS").arg(&key).query_async(&mut *connection).await.unwrap();
    assert_eq!(exists, 0);
}

#[tokio::test]
async fn an_admin_sees_all_locks_page_by_page_and_lifts_one() {
    let redis = lockouts(LockoutPolicy { free_failures: 1, ..LockoutPolicy::default() }).await;
    for n in 0..7 {
        fail(&redis, &stranger(n)).await;
    }
    let limit = PageLimit::new(3).unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = redis.list(LockoutsQuery { reason: None, after, limit }).await.unwrap();
        seen.extend(page.entries.into_iter().map(|entry| entry.email));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, (0..7).map(address).collect::<Vec<_>>());

    assert_eq!(redis.find(&address(3)).await.unwrap().unwrap().lock.level, 1);
    redis.unlock(&address(3)).await.unwrap();
    assert_eq!(redis.find(&address(3)).await.unwrap(), None);
    assert_eq!(redis.list(LockoutsQuery::default()).await.unwrap().entries.len(), 6);
    let again = LockoutsQuery { reason: Some(LockReason::FailedAgainAfterLock), ..LockoutsQuery::default() };
    assert!(redis.list(again).await.unwrap().entries.is_empty());
    let first = LockoutsQuery { reason: Some(LockReason::TooManyFailures), ..LockoutsQuery::default() };
    assert_eq!(redis.list(first).await.unwrap().entries.len(), 6);
    fail(&redis, &stranger(3)).await;
}

#[tokio::test]
async fn the_index_of_locks_shrinks_although_nobody_reads_it() {
    let mut redis = lockouts(LockoutPolicy { free_failures: 1, ..LockoutPolicy::default() }).await;
    let mut connection = redis.connections.pool.get_owned().await.unwrap();
    for (n, hours) in [0_i64, 0, 1, 100].into_iter().enumerate() {
        redis.now = Some(at(hours * 3_600_000));
        let id = AttemptId::new(Uuid::from_u128(1));
        redis.begin(&stranger(n), id).await.unwrap();
        let lock = redis.settle(&stranger(n), id, AttemptOutcome::Failure).await.unwrap();
        assert!(lock.is_some(), "{n}");
    }
    let kept: Vec<String> = redis::cmd("ZRANGE").arg(INDEX).arg(0).arg(-1).query_async(&mut *connection).await.unwrap();
    assert_eq!(kept, ["customer-3@example.org"]);
}

#[tokio::test]
async fn a_state_that_somebody_wrote_by_hand_begins_anew() {
    let redis = lockouts(LockoutPolicy::default()).await;
    let mut connection = redis.connections.pool.get_owned().await.unwrap();
    let odd: [&[u8]; 6] = [b"", b"locked", b"{", b"{\"level\":\"three\"}", b"\xc1\xff", b"\x81\xa5level\x03"];
    for (n, odd) in odd.into_iter().enumerate() {
        let claimant = stranger(n);
        let device = DeviceId::new(Uuid::from_u128(1));
        let key = format!("lockout:{{{}}}", claimant.email);
        let () = redis::cmd("SET").arg(&key).arg(odd).query_async(&mut *connection).await.unwrap();
        let devices = format!("{key}:devices");
        let hash = redis::cmd("HSET").arg(&devices).arg(device.as_uuid().to_string()).arg(odd).to_owned();
        let _: i64 = hash.query_async(&mut *connection).await.unwrap();

        assert_eq!(redis.find(&claimant.email).await.unwrap(), None);
        let known = Claimant { device: Some(device), ..claimant.clone() };
        for claimant in [claimant, known] {
            let id = AttemptId::new(Uuid::from_u128(3));
            assert_eq!(redis.begin(&claimant, id).await.unwrap(), Admission::Allowed);
            redis.settle(&claimant, id, AttemptOutcome::Success).await.unwrap();
        }
    }
    // Keys of another type.
    let claimant = stranger(6);
    let key = format!("lockout:{{{}}}", claimant.email);
    let _: i64 = redis::cmd("LPUSH").arg(&key).arg("x").query_async(&mut *connection).await.unwrap();
    let () = redis::cmd("SET").arg(format!("{key}:devices")).arg("x").query_async(&mut *connection).await.unwrap();
    assert_eq!(redis.find(&claimant.email).await.unwrap(), None);
    assert_eq!(redis.begin(&claimant, AttemptId::new(Uuid::from_u128(3))).await.unwrap(), Admission::Allowed);
}
