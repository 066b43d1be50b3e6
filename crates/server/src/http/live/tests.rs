use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::web::Bytes;
use async_trait::async_trait;
use comanda_domain::{
    AccountId, Actor, Currency, Money, Order, OrderId, OrderNumber, OrderScope, OrderStatus, OrderWithLines, Role,
    SessionId, StationId, StreamPosition, Ticket, Timestamp,
    ports::{
        ClosedSessions, LiveUpdates, MockClock, MockClosedSessions, Opening, PlacedUpdate, Unavailable, Update,
        Updates, Watched,
    },
};
use futures_util::{FutureExt, StreamExt};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, unconstrained},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    frame::HEARTBEAT,
    hub::{Hub, Listening, Topic},
    stream::{HEARTBEAT_PERIOD, Stream},
    streams::{Counted, StreamLimits, Streams},
};
use crate::http::problem::{Code, Problem};

fn id(number: u128) -> OrderId {
    OrderId::new(Uuid::from_u128(number))
}

fn now() -> Timestamp {
    Timestamp::from_timestamp_millis(1_790_000_000_000).unwrap()
}

fn order(number: u128, version: u32) -> OrderWithLines {
    let order = Order {
        id: id(number),
        number: OrderNumber::new(417),
        status: OrderStatus::Pending,
        total: Money::new(990, Currency::EUR),
        line_count: 1,
        note: None,
        customer_id: AccountId::new(Uuid::nil()),
        created_at: now(),
        updated_at: now(),
        version,
    };
    OrderWithLines { order, lines: Vec::new() }
}

fn position(transaction: i64) -> StreamPosition {
    format!("1.here.0.{transaction}.0").parse().unwrap()
}

/// Events of one database: each is the next version of an order, in a transaction of its own.
struct Events {
    committed: Mutex<Vec<(i64, u128, u32)>>,
    /// Where it was read from.
    reads: Mutex<Vec<i64>>,
    history: Mutex<&'static str>,
    /// How many may still read.
    gate: Semaphore,
    /// How many events one reading finds.
    page: usize,
}

impl Events {
    fn new(events: &[(i64, u128, u32)]) -> Arc<Self> {
        Self::in_pages(3, events)
    }

    fn in_pages(page: usize, events: &[(i64, u128, u32)]) -> Arc<Self> {
        let (reads, history, gate) = (Mutex::default(), Mutex::new("here"), Semaphore::new(Semaphore::MAX_PERMITS));
        Arc::new(Self { committed: Mutex::new(events.to_vec()), reads, history, gate, page })
    }

    fn reads(&self) -> Vec<i64> {
        std::mem::take(&mut self.reads.lock().unwrap())
    }
}

#[async_trait]
impl LiveUpdates for Events {
    async fn open_order(
        &self,
        _: OrderId,
        _: OrderScope,
        _: Option<StreamPosition>,
    ) -> Result<Option<Opening<OrderWithLines>>, Unavailable> {
        unreachable!("no stream is opened here")
    }

    async fn open_kitchen(
        &self,
        _: Option<StationId>,
        _: Timestamp,
        _: Option<StreamPosition>,
    ) -> Result<Option<Opening<Vec<Ticket>>>, Unavailable> {
        unreachable!("no stream is opened here")
    }

    async fn after(&self, from: StreamPosition, watched: Watched, _: u32) -> Result<Updates, Unavailable> {
        self.reads.lock().unwrap().push(from.transaction);
        // What has happened is what had happened when the query began.
        let events = self.committed.lock().unwrap().clone();
        self.gate.acquire().await.unwrap().forget();
        let news: Vec<_> = events.into_iter().filter(|(transaction, ..)| *transaction > from.transaction).collect();
        let (page, more) = (&news[..news.len().min(self.page)], news.len() > self.page);
        let reached = page.last().map_or(from.transaction, |(transaction, ..)| *transaction);
        let updates = page.iter().filter(|(_, number, _)| watched.orders.contains(&id(*number)));
        let updates = updates.map(|(transaction, number, version)| PlacedUpdate {
            transaction: *transaction,
            event: 7,
            update: Update::Order(order(*number, *version)),
        });
        let history = (*self.history.lock().unwrap()).to_owned();
        let reached = StreamPosition { history, event: 7, ..position(reached) };
        Ok(Updates { updates: updates.collect(), reached, more })
    }
}

async fn catch_up(hub: &Hub) {
    while hub.round().await.unwrap() {}
}

/// The ids and the versions that have arrived.
fn arrived(listening: &mut Listening) -> Vec<(StreamPosition, u64)> {
    let mut found = Vec::new();
    // However much has arrived: the runtime would make a test wait that reads for long.
    while let Some(Some(bytes)) = unconstrained(listening.next()).now_or_never() {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        for event in text.strip_suffix("\n\n").unwrap().split("\n\n") {
            let lines: Vec<&str> = event.lines().collect();
            let [first, "event: order", data] = lines.as_slice() else { panic!("{text:?}") };
            let order: serde_json::Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            let position = first.strip_prefix("id: ").unwrap().parse().unwrap();
            found.push((position, order["version"].as_u64().unwrap()));
        }
    }
    found
}

fn versions(listening: &mut Listening) -> Vec<u64> {
    arrived(listening).into_iter().map(|(_, version)| version).collect()
}

#[tokio::test]
async fn an_event_is_read_once_for_everybody_whom_it_concerns() {
    let events = Events::new(&[(3, 1, 1), (5, 1, 2), (6, 2, 1)]);
    let hub = Arc::new(Hub::new(events.clone()));
    assert!(!hub.round().await.unwrap() && events.reads().is_empty(), "nobody listens");
    let mut first: Vec<Listening> = (0..20).map(|_| hub.listen(Topic::Order(id(1)), position(4))).collect();
    let mut other = hub.listen(Topic::Order(id(2)), position(4));
    catch_up(&hub).await;
    assert_eq!(events.reads(), [4]);
    assert!(first.iter_mut().all(|listening| versions(listening) == [2]));
    assert_eq!(versions(&mut other), [1]);
    drop((first, other));
    assert!(!hub.is_listened_to());
}

#[tokio::test]
async fn wherever_a_stream_breaks_off_it_goes_on_with_nothing_missed_and_nothing_twice() {
    // Every third concerns the order.
    let event = |n: u32| (i64::from(n), u128::from(n.is_multiple_of(3)), n);
    let events = Events::new(&(1..=20).map(event).collect::<Vec<_>>());
    let hub = Arc::new(Hub::new(events.clone()));
    let mut whole = hub.listen(Topic::Order(id(1)), position(0));
    catch_up(&hub).await;
    let all = arrived(&mut whole);
    assert_eq!(all.iter().map(|(_, version)| *version).collect::<Vec<_>>(), [3, 6, 9, 12, 15, 18]);
    for (number, (known, _)) in all.iter().enumerate() {
        let mut again = hub.listen(Topic::Order(id(1)), known.clone());
        catch_up(&hub).await;
        assert_eq!(arrived(&mut again), all[number + 1..]);
        assert!(versions(&mut whole).is_empty(), "the others are told nothing again");
    }
}

#[tokio::test]
async fn whoever_is_behind_holds_up_nobody() {
    let events = Events::new(&(1..=30).map(|n| (n, 1, u32::try_from(n).unwrap())).collect::<Vec<_>>());
    let hub = Arc::new(Hub::new(events.clone()));
    let mut on_time = hub.listen(Topic::Order(id(1)), position(27));
    catch_up(&hub).await;
    assert_eq!(versions(&mut on_time), [28, 29, 30]);
    let mut late = hub.listen(Topic::Order(id(1)), position(0));
    events.committed.lock().unwrap().push((31, 1, 31));
    for _ in 0..2 {
        hub.round().await.unwrap();
    }
    assert_eq!(versions(&mut on_time), [31], "though the other one has not caught up");
    assert!(versions(&mut late).len() < 10);
    catch_up(&hub).await;
    assert!(versions(&mut on_time).is_empty());
}

#[tokio::test]
async fn whoever_comes_while_events_are_read_misses_none() {
    let events = Events::new(&[(5, 2, 9)]);
    let hub = Arc::new(Hub::new(events.clone()));
    let mut first = hub.listen(Topic::Order(id(1)), position(4));
    events.gate.forget_permits(Semaphore::MAX_PERMITS);
    let mut round = Box::pin(hub.round());
    assert!(futures_util::poll!(round.as_mut()).is_pending());
    // This order was not asked for.
    let mut second = hub.listen(Topic::Order(id(2)), position(4));
    events.gate.add_permits(10);
    assert!(round.await.unwrap(), "one is behind");
    catch_up(&hub).await;
    assert_eq!((versions(&mut first), versions(&mut second)), (vec![], vec![9]));
}

#[tokio::test]
async fn whoever_does_not_keep_up_is_let_go_and_goes_on_where_it_was() {
    let events = Events::new(&(1..=200).map(|n| (n, 1, u32::try_from(n).unwrap())).collect::<Vec<_>>());
    let hub = Arc::new(Hub::new(events));
    let mut slow = hub.listen(Topic::Order(id(1)), position(0));
    catch_up(&hub).await;
    let first = arrived(&mut slow);
    assert!((10..200).contains(&first.len()));
    assert_eq!(slow.next().await, None);
    let mut again = hub.listen(Topic::Order(id(1)), first.last().unwrap().0.clone());
    let mut seen: BTreeSet<u64> = first.iter().map(|(_, version)| *version).collect();
    while hub.round().await.unwrap() {
        for version in versions(&mut again) {
            assert!(seen.insert(version), "{version} came twice");
        }
    }
    seen.extend(versions(&mut again));
    assert_eq!(seen.len(), 200);
}

#[tokio::test]
async fn a_burst_is_no_reason_to_let_anybody_go() {
    let events = Events::in_pages(5_000, &(1..=3_000).map(|n| (n, 1, u32::try_from(n).unwrap())).collect::<Vec<_>>());
    let hub = Arc::new(Hub::new(events));
    let mut quick = hub.listen(Topic::Order(id(1)), position(0));
    catch_up(&hub).await;
    assert_eq!(versions(&mut quick), (1..=3_000).collect::<Vec<u64>>());
    assert!(hub.is_listened_to());
}

/// The transaction of the newer version began first, and waited.
#[tokio::test]
async fn an_older_version_is_not_told_after_a_newer_one() {
    let events = Events::new(&[(5, 1, 3), (6, 1, 2), (7, 1, 4)]);
    let hub = Arc::new(Hub::new(events));
    let mut listening = hub.listen(Topic::Order(id(1)), position(4));
    catch_up(&hub).await;
    assert_eq!(versions(&mut listening), [3, 4]);
}

#[tokio::test]
async fn nobody_gets_ahead_by_being_farther_behind() {
    let events = Events::new(&(1..=30).map(|n| (n, 1, u32::try_from(n).unwrap())).collect::<Vec<_>>());
    let hub = Arc::new(Hub::new(events));
    let mut on_time = hub.listen(Topic::Order(id(1)), position(29));
    catch_up(&hub).await;
    assert_eq!(versions(&mut on_time), [30]);
    let mut late = hub.listen(Topic::Order(id(1)), position(27));
    let _others: Vec<_> = (0..20).map(|_| hub.listen(Topic::Order(id(1)), position(0))).collect();
    for _ in 0..2 {
        hub.round().await.unwrap();
    }
    assert_eq!(versions(&mut late), [28, 29, 30]);
}

#[tokio::test]
async fn in_another_history_everybody_begins_again() {
    let events = Events::new(&[]);
    let hub = Arc::new(Hub::new(events.clone()));
    let mut listening = hub.listen(Topic::Order(id(1)), position(4));
    catch_up(&hub).await;
    *events.history.lock().unwrap() = "elsewhere";
    catch_up(&hub).await;
    assert_eq!(listening.next().await, None);
    let there = StreamPosition { history: "elsewhere".to_owned(), ..position(2) };
    let mut listening = hub.listen(Topic::Order(id(1)), there);
    events.committed.lock().unwrap().push((3, 1, 5));
    catch_up(&hub).await;
    assert_eq!(versions(&mut listening), [5]);
}

/// A stream of an order that nothing happens to.
struct Quiet {
    streams: Streams,
    is_closed: Arc<AtomicBool>,
    cut: CancellationToken,
}

impl Quiet {
    fn new() -> Self {
        Self::with(StreamLimits { per_account: 2, per_process: 3 })
    }

    fn with(limits: StreamLimits) -> Self {
        let is_closed = Arc::<AtomicBool>::default();
        let hub = Arc::new(Hub::new(Events::new(&[])));
        let mut clock = MockClock::new();
        clock.expect_now().returning(now);
        let streams = Streams::new(hub, Self::closed(&is_closed), Arc::new(clock), limits);
        Self { streams, is_closed, cut: CancellationToken::new() }
    }

    fn closed(is_closed: &Arc<AtomicBool>) -> Arc<dyn ClosedSessions> {
        let (mut closed, is_closed) = (MockClosedSessions::new(), Arc::clone(is_closed));
        closed.expect_contains().returning(move |_| is_closed.load(Ordering::Relaxed));
        Arc::new(closed)
    }

    /// Does the work of `end_streams`, until it is dropped.
    fn looked_after(&self) -> JoinSet<()> {
        let (streams, mut looking) = (self.streams.clone(), JoinSet::new());
        looking.spawn(async move {
            let mut rounds = tokio::time::interval(Duration::from_millis(500));
            loop {
                rounds.tick().await;
                streams.end_those_due();
            }
        });
        looking
    }

    fn enter(&self, actor: Actor) -> Result<Counted, Problem> {
        self.streams.count(actor, Duration::from_hours(1), self.cut.clone())
    }

    fn stream(&self, time_left: Duration) -> Stream {
        Stream {
            first: Some(Bytes::from_static(b"first")),
            listening: self.streams.hub.listen(Topic::Order(id(1)), position(4)),
            session: SessionId::new(Uuid::nil()),
            closed: Self::closed(&self.is_closed),
            hung_up: CancellationToken::new(),
            counted: self.streams.count(actor(0, Role::Customer), time_left, self.cut.clone()).ok().unwrap(),
        }
    }
}

fn actor(number: u128, role: Role) -> Actor {
    let account_id = AccountId::new(Uuid::from_u128(number));
    Actor { account_id, role, session_id: SessionId::new(Uuid::from_u128(number)) }
}

fn is_farewell(bytes: &Bytes) -> bool {
    bytes.starts_with(b"retry: ") && bytes.ends_with(b"\n\n")
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_beats_until_its_credential_expires() {
    let quiet = Quiet::new();
    let _looking = quiet.looked_after();
    let begin = Instant::now();
    let mut sent = Box::pin(quiet.stream(Duration::from_secs(35)).sent());
    assert_eq!(sent.next().await.unwrap().unwrap(), "first");
    for beat in 1..=3 {
        assert_eq!(sent.next().await.unwrap().unwrap(), HEARTBEAT);
        assert_eq!(begin.elapsed(), HEARTBEAT_PERIOD * beat);
    }
    assert!(is_farewell(&sent.next().await.unwrap().unwrap()));
    assert!((Duration::from_secs(35)..Duration::from_secs(36)).contains(&begin.elapsed()));
    assert!(sent.next().await.is_none() && !quiet.streams.hub.is_listened_to());
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_session() {
    let quiet = Quiet::new();
    let _looking = quiet.looked_after();
    let begin = Instant::now();
    let mut sent = Box::pin(quiet.stream(Duration::from_hours(1)).sent());
    assert!(sent.next().await.is_some());
    quiet.is_closed.store(true, Ordering::Relaxed);
    assert!(is_farewell(&sent.next().await.unwrap().unwrap()) && sent.next().await.is_none());
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn streams_end_with_the_server_also_those_that_begin_then() {
    let quiet = Quiet::new();
    let begin = Instant::now();
    let mut sent = Box::pin(quiet.stream(Duration::from_hours(1)).sent());
    assert!(sent.next().await.is_some());
    quiet.streams.end();
    let mut late = Box::pin(quiet.stream(Duration::from_hours(1)).sent());
    assert!(late.next().await.is_some());
    for mut ended in [sent, late] {
        assert!(is_farewell(&ended.next().await.unwrap().unwrap()) && ended.next().await.is_none());
    }
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

/// Nobody asks for what it would send.
#[tokio::test(start_paused = true)]
async fn whoever_takes_nothing_is_cut_off_when_the_stream_should_have_ended() {
    for (is_closed, time_left) in [(true, Duration::from_hours(1)), (false, Duration::from_secs(20))] {
        let quiet = Quiet::new();
        let _looking = quiet.looked_after();
        let _unread = quiet.stream(time_left).sent();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(!quiet.cut.is_cancelled());
        quiet.is_closed.store(is_closed, Ordering::Relaxed);
        let begin = Instant::now();
        quiet.cut.cancelled().await;
        assert!(begin.elapsed() < Duration::from_secs(7), "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn an_account_opens_streams_only_so_often() {
    let quiet = Quiet::new();
    for _ in 0..6 {
        drop(quiet.enter(actor(1, Role::Staff)).ok().unwrap());
    }
    let refused = quiet.enter(actor(1, Role::Staff)).err().unwrap();
    assert_eq!(refused.code, Code::RateLimited);
    quiet.streams.end_those_due();
    assert!(quiet.enter(actor(1, Role::Staff)).is_err(), "it is not forgotten");
    assert!(quiet.enter(actor(2, Role::Staff)).is_ok());
}

#[tokio::test]
async fn so_many_streams_as_may_be_and_another_when_one_has_ended() {
    let quiet = Quiet::new();
    let (own, other) = (actor(1, Role::Customer), actor(2, Role::Customer));
    let first = quiet.enter(own).ok().unwrap();
    let _second = quiet.enter(own).ok().unwrap();
    assert!(quiet.enter(own).is_err(), "of this account there are enough");
    let _third = quiet.enter(other).ok().unwrap();
    assert!(quiet.enter(other).is_err(), "and at this server");
    drop(first);
    assert!(quiet.enter(other).is_ok());
}

#[tokio::test]
async fn however_many_customers_watch_there_is_room_for_staff() {
    let limits = StreamLimits { per_account: 2, per_process: 10 };
    let quiet = Quiet::with(limits);
    let customers = (1..=8).map(|number| quiet.enter(actor(number, Role::Customer)).ok().unwrap());
    let _customers: Vec<_> = customers.collect();
    assert!(quiet.enter(actor(9, Role::Customer)).is_err());
    let _staff = [Role::Staff, Role::Admin].map(|role| quiet.enter(actor(10, role)).ok().unwrap());
    assert!(quiet.enter(actor(11, Role::Staff)).is_err());
}
