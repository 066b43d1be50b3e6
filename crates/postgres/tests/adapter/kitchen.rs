use std::collections::BTreeMap;

use comanda_domain::{
    AcceptOrders, CancelledBy, Category, EventKind, MenuItemEdit, NewPayment, NewStation, OrderId, OrderScope,
    OrderStatus, PageLimit, Payment, PaymentId, PaymentMethod, Station, StationAssignment, StationCategories,
    StationEdit, StationId, StationName, Ticket, TicketState, TicketStays,
    ports::{
        AddStationError, BegunPayment, Cancellation, ChangeTicketError, Checkout, EditMenuItemError, EditStationError,
        LiveMenu, Menu, Orders, Outbox, Stations, StationsQuery, TicketCriteria, Tickets, TicketsQuery,
    },
    station_of,
};
use comanda_postgres::{PostgresOutbox, PostgresPayments};
use futures_util::future::join_all;
use uuid::Uuid;

use crate::{
    cancelling::cancellation,
    shop::{Shop, now, orders_accepted},
};

/// The tickets of an order, by station.
async fn tickets_of(shop: &Shop, order: OrderId) -> Vec<Ticket> {
    let criteria = TicketCriteria { order: Some(order), ..TicketCriteria::default() };
    let query = TicketsQuery { criteria, after: None, limit: PageLimit::LARGEST };
    let page = shop.tickets().list(query).await.unwrap();
    assert!(page.unreadable.is_empty() && page.next.is_none());
    page.entries
}

async fn status_of(shop: &Shop, order: OrderId) -> (OrderStatus, u32) {
    let order = shop.orders.find(order, OrderScope::All).await.unwrap().unwrap().order;
    (order.status, order.version)
}

async fn change(shop: &Shop, ticket: &Ticket, to: TicketState) -> Result<Ticket, ChangeTicketError> {
    shop.tickets().change(ticket.id, to, now(), None).await.map(|changed| changed.outcome)
}

/// An accepted order of two lines at one station and one at another.
async fn accepted(shop: &Shop, grill: &Station, bar: &Station) -> OrderId {
    let (steak, beer) = (shop.item_at_station(grill).await, shop.item_at_station(bar).await);
    let order = shop.order(&[(&steak, 2), (&beer, 1), (&steak, 1)]);
    let id = shop.orders.place(order).await.unwrap().outcome.order.id;
    shop.orders.advance(id, OrderStatus::Accepted, now(), None).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_goes_where_the_domain_says() {
    let shop = Shop::open().await;
    let (bar, nowhere) = (shop.station("Bar", &[]).await, shop.item(10).await);
    let own = shop.item_at_station(&bar).await;
    // Categories are compared without case.
    let of_category = shop.item(10).await;
    let moved = MenuItemEdit { category: Some(Category::new("MÈNS").unwrap()), ..MenuItemEdit::default() };
    let of_category =
        shop.menu.edit(of_category.id, of_category.revision, moved, shop.customer.id, now()).await.unwrap();
    let grill = shop.station("Grill", &["mèns"]).await;
    let both = shop.item_at_station(&bar).await;
    let moved = MenuItemEdit { category: Some(Category::new("mèns").unwrap()), ..MenuItemEdit::default() };
    let both = shop.menu.edit(both.id, both.revision, moved, shop.customer.id, now()).await.unwrap();

    let items = [(&nowhere, None), (&own, None), (&of_category, Some(grill.id)), (&both, Some(grill.id))];
    let lines: Vec<_> = items.iter().map(|(item, _)| (*item, 1)).collect();
    let id = shop.orders.place(shop.order(&lines)).await.unwrap().outcome.order.id;
    assert_eq!(tickets_of(&shop, id).await, []);
    shop.orders.advance(id, OrderStatus::Accepted, now(), None).await.unwrap();

    let mut expected: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (item, of_category) in items {
        if let Some(station) = station_of(item.station, of_category) {
            expected.entry(station).or_default().push(item.details.name.clone());
        }
    }
    let tickets = tickets_of(&shop, id).await;
    let routed: BTreeMap<_, Vec<_>> = tickets
        .iter()
        .map(|ticket| (ticket.station_id, ticket.lines.iter().map(|line| line.name.clone()).collect()))
        .collect();
    assert_eq!(routed, expected);
    assert!(tickets.iter().all(|ticket| (ticket.state, ticket.version) == (TicketState::Queued, 1)));
    assert!(tickets.iter().all(|ticket| ticket.id.as_uuid().get_version_num() == 7));
    let found = shop.tickets().find_many(&[tickets[0].id]).await.unwrap();
    assert_eq!(found[&tickets[0].id].as_ref().unwrap(), &tickets[0]);
    shop.assert_sound().await;
}

/// Each station sees what the other did: the order becomes ready once, by one version. `TEST_MANY=10000` for a proof.
#[tokio::test(flavor = "multi_thread")]
async fn stations_that_finish_at_once_make_the_order_ready_once() {
    let shop = Shop::open().await;
    let (grill, bar) = (shop.station("Grill", &[]).await, shop.station("Bar", &[]).await);
    let many = std::env::var("TEST_MANY").ok().and_then(|many| many.parse().ok()).unwrap_or(40);
    for _ in 0..many {
        let id = accepted(&shop, &grill, &bar).await;
        let tickets = tickets_of(&shop, id).await;
        assert_eq!(tickets.len(), 2);
        let bumps = tickets.iter().cycle().take(8).map(|ticket| change(&shop, ticket, TicketState::Ready));
        for bumped in join_all(bumps).await {
            assert_eq!(bumped.unwrap().version, 2, "whoever comes second changes nothing");
        }
        assert_eq!(status_of(&shop, id).await, (OrderStatus::Ready, 4));
    }
    shop.assert_sound().await;
}

/// Events are read in the order of their transactions: a version that comes later must not be told of earlier.
#[tokio::test(flavor = "multi_thread")]
async fn the_versions_of_a_busy_order_are_in_the_order_of_their_transactions() {
    let shop = Shop::open().await;
    let (grill, bar) = (shop.station("Grill", &[]).await, shop.station("Bar", &[]).await);
    let id = accepted(&shop, &grill, &bar).await;
    let tickets = tickets_of(&shop, id).await;
    for _ in 0..100 {
        let states = [TicketState::Cooking, TicketState::Ready];
        let changes = (0..12).map(|n| change(&shop, &tickets[n / 2 % 2], states[n % 2]));
        join_all(changes).await.into_iter().for_each(|changed| drop(changed.unwrap()));
    }
    let inverted = "SELECT count(*) FROM outbox_events a JOIN outbox_events b USING (subject_id) \
                    WHERE a.subject_version < b.subject_version \
                      AND (a.transaction_id, a.id) > (b.transaction_id, b.id)";
    let inverted: i64 = shop.database.client().await.query_one(inverted, &[]).await.unwrap().get(0);
    assert_eq!(inverted, 0);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_move_their_order_and_a_recall_takes_it_back() {
    let shop = Shop::open().await;
    let outbox = PostgresOutbox::new(shop.pool.clone());
    // From now on.
    assert_eq!(outbox.next("kitchen", 100).await.unwrap().unwrap().events, []);
    let (grill, bar) = (shop.station("Grill", &[]).await, shop.station("Bar", &[]).await);
    let id = accepted(&shop, &grill, &bar).await;
    let [first, second] = <[Ticket; 2]>::try_from(tickets_of(&shop, id).await).unwrap();
    assert_eq!(change(&shop, &first, TicketState::Queued).await.unwrap(), first, "it is queued already");
    let steps = [
        (&first, TicketState::Cooking, OrderStatus::Preparing, 3),
        (&first, TicketState::Ready, OrderStatus::Preparing, 3),
        (&second, TicketState::Ready, OrderStatus::Ready, 4),
        (&first, TicketState::Cooking, OrderStatus::Preparing, 5),
        (&first, TicketState::Cooking, OrderStatus::Preparing, 5),
        (&first, TicketState::Ready, OrderStatus::Ready, 6),
    ];
    for (ticket, to, status, version) in steps {
        change(&shop, ticket, to).await.unwrap();
        assert_eq!(status_of(&shop, id).await, (status, version), "{to}");
    }
    let refused = change(&shop, &first, TicketState::Void).await;
    assert!(matches!(refused, Err(ChangeTicketError::Stays(TicketStays::InvalidTransition { .. }))), "{refused:?}");
    shop.orders.advance(id, OrderStatus::Completed, now(), None).await.unwrap();
    let late = change(&shop, &first, TicketState::Cooking).await;
    let over = TicketStays::OrderIs(OrderStatus::Completed);
    assert!(matches!(&late, Err(ChangeTicketError::Stays(why)) if *why == over), "{late:?}");
    shop.assert_sound().await;

    // Subscribers are told each status as it was, and nothing of tickets.
    let mut told = Vec::new();
    while told.len() < 7 {
        let batch = outbox.next("kitchen", 100).await.unwrap().unwrap();
        let Some(position) = batch.position else {
            tokio::task::yield_now().await;
            continue;
        };
        for event in batch.events {
            match event.happened {
                EventKind::OrderPlaced(order, _) | EventKind::OrderStatusChanged(order) => {
                    told.push((order.version, order.status.as_str()));
                }
                other => panic!("{other:?}"),
            }
        }
        outbox.advance("kitchen", position, vec![]).await.unwrap();
    }
    let way = ["pending", "accepted", "preparing", "ready", "preparing", "ready", "completed"];
    assert_eq!(told, (1..).zip(way).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_who_call_an_order_ready_call_its_tickets_so() {
    let shop = Shop::open().await;
    let (grill, bar) = (shop.station("Grill", &[]).await, shop.station("Bar", &[]).await);
    let id = accepted(&shop, &grill, &bar).await;
    for to in [OrderStatus::Preparing, OrderStatus::Ready] {
        shop.orders.advance(id, to, now(), None).await.unwrap();
    }
    assert!(tickets_of(&shop, id).await.iter().all(|ticket| (ticket.state, ticket.version) == (TicketState::Ready, 2)));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_voids_what_is_not_made() {
    let shop = Shop::open().await;
    let (grill, bar) = (shop.station("Grill", &[]).await, shop.station("Bar", &[]).await);
    let id = accepted(&shop, &grill, &bar).await;
    let tickets = tickets_of(&shop, id).await;
    change(&shop, &tickets[0], TicketState::Ready).await.unwrap();
    let by_staff = Cancellation { by: CancelledBy::Staff, ..cancellation(id) };
    shop.orders.cancel(by_staff).await.unwrap();
    let states = tickets_of(&shop, id).await.into_iter().map(|ticket| (ticket.state, ticket.version));
    assert_eq!(states.collect::<Vec<_>>(), [(TicketState::Ready, 2), (TicketState::Void, 2)]);
    let bumped = change(&shop, &tickets[1], TicketState::Ready).await;
    assert!(matches!(bumped, Err(ChangeTicketError::Stays(TicketStays::InvalidTransition { .. }))), "{bumped:?}");
    shop.assert_sound().await;
}

/// What servers of the release before do, which know no tickets.
#[tokio::test(flavor = "multi_thread")]
async fn tickets_follow_an_order_that_an_older_server_moves() {
    let shop = Shop::open().await;
    let (grill, bar) = (shop.station("Grill", &[]).await, shop.station("Bar", &[]).await);
    for (status, state) in [("ready", TicketState::Ready), ("cancelled", TicketState::Void)] {
        let id = accepted(&shop, &grill, &bar).await;
        let client = shop.database.client().await;
        let moved = format!("UPDATE orders SET status = '{status}', version = version + 1 WHERE id = '{id}'");
        client.batch_execute(&moved).await.unwrap();
        assert!(tickets_of(&shop, id).await.iter().all(|ticket| (ticket.state, ticket.version) == (state, 2)));
    }
}

/// Bumps and a cancellation at once: the order ends with nothing open, whoever was faster.
#[tokio::test(flavor = "multi_thread")]
async fn bumping_and_cancelling_at_once_agree() {
    let shop = Shop::open().await;
    let (grill, bar) = (shop.station("Grill", &[]).await, shop.station("Bar", &[]).await);
    for _ in 0..25 {
        let id = accepted(&shop, &grill, &bar).await;
        let tickets = tickets_of(&shop, id).await;
        let cancelling = shop.orders.cancel(Cancellation { by: CancelledBy::Staff, ..cancellation(id) });
        let bumping = join_all(tickets.iter().map(|ticket| change(&shop, ticket, TicketState::Ready)));
        let (cancelled, bumped) = tokio::join!(cancelling, bumping);
        cancelled.unwrap();
        assert!(bumped.iter().all(|bumped| matches!(bumped, Ok(_) | Err(ChangeTicketError::Stays(_)))), "{bumped:?}");
        assert!(tickets_of(&shop, id).await.iter().all(|ticket| !ticket.state.is_open()));
    }
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_are_accepted_by_being_placed_have_their_tickets_at_once() {
    let shop = Shop::open().await;
    let (grill, bar) = (shop.station("Grill", &[]).await, shop.station("Bar", &[]).await);
    let (steak, beer) = (shop.item_at_station(&grill).await, shop.item_at_station(&bar).await);
    let orders = orders_accepted(&shop.pool);
    let keyed = shop.keyed("the-one", shop.order(&[(&steak, 1), (&beer, 2)]));
    let placing = (0..30).map(|_| orders.place(shop.order(&[(&steak, 1), (&beer, 2)])));
    let (placed, first) = tokio::join!(join_all(placing), orders.place(keyed.clone()));
    let first = first.unwrap();
    for placed in placed.into_iter().map(|placed| placed.unwrap().outcome).chain([first.outcome.clone()]) {
        assert_eq!((placed.order.status, placed.order.version), (OrderStatus::Accepted, 1));
        let tickets = tickets_of(&shop, placed.order.id).await;
        assert_eq!(tickets.len(), 2);
        assert!(tickets.iter().all(|ticket| ticket.number == placed.order.number));
    }
    // Whatever became of the order, a repeated request gets the first response.
    change(&shop, &tickets_of(&shop, first.outcome.order.id).await[0], TicketState::Cooking).await.unwrap();
    let again = orders.place(keyed).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.outcome, first.outcome);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_accepted_by_the_payment_that_it_waited_for() {
    let shop = Shop::open().await;
    let grill = shop.station("Grill", &[]).await;
    let steak = shop.item_at_station(&grill).await;
    let begin = async |accept: AcceptOrders| -> (OrderId, Payment) {
        let payments = PostgresPayments::new(shop.pool.clone()).accepting(accept);
        let order_id = shop.orders.place(shop.order(&[(&steak, 1)])).await.unwrap().outcome.order.id;
        let payment = NewPayment {
            id: PaymentId::new(Uuid::now_v7()),
            order_id,
            scope: OrderScope::All,
            method: PaymentMethod::Counter,
            begun_at: now(),
            expires_at: now(),
            chargeable: None,
            idempotency: None,
        };
        match payments.begin(payment).await.unwrap() {
            BegunPayment::Complete(begun) => (order_id, begun.outcome.payment),
            other @ BegunPayment::NeedsIntent(_) => panic!("{other:?}"),
        }
    };
    let (waiting, _) = begin(AcceptOrders::Staff).await;
    assert_eq!(status_of(&shop, waiting).await, (OrderStatus::Pending, 1));
    assert_eq!(tickets_of(&shop, waiting).await, []);
    let (accepted, payment) = begin(AcceptOrders::Paid).await;
    assert!(payment.status.is_open());
    assert_eq!(status_of(&shop, accepted).await, (OrderStatus::Accepted, 2));
    assert_eq!(tickets_of(&shop, accepted).await.len(), 1);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_goes_to_one_station_whoever_claims_it() {
    let shop = Shop::open().await;
    let (stations, customer) = (&shop.stations(), shop.customer.id);
    let claim = |n: usize| {
        let names = ["Starters", "CRÈME", "crème"].into_iter().skip(n % 2);
        let categories = names.map(|name| Category::new(name).unwrap()).collect();
        let station = NewStation {
            id: StationId::new(Uuid::now_v7()),
            name: StationName::new("Grill").unwrap(),
            categories: StationCategories::new(categories).unwrap(),
            place: None,
            added_at: now(),
        };
        async move { stations.add(station, customer, None).await }
    };
    let claimed = join_all((0..12).map(claim)).await;
    assert_eq!(claimed.iter().filter(|claimed| claimed.is_ok()).count(), 1);
    for lost in claimed.iter().filter_map(|claimed| claimed.as_ref().err()) {
        assert!(matches!(lost, AddStationError::CategoriesTaken(taken) if !taken.is_empty()), "{lost:?}");
    }
    let limit = PageLimit::LARGEST;
    let grill = shop.stations().list(StationsQuery { after: None, limit }).await.unwrap().entries.remove(0);
    assert!(grill.details.categories.as_slice().len() <= 2, "one that is written twice counts once");

    let bar = shop.station("Bar", &["Drinks"]).await;
    let take = |name: &str| StationEdit {
        categories: Some(StationCategories::new(vec![Category::new(name).unwrap()]).unwrap()),
        ..StationEdit::default()
    };
    let taken = shop.stations().edit(bar.id, None, take("Crème"), shop.customer.id, now()).await;
    assert!(matches!(&taken, Err(EditStationError::CategoriesTaken(taken)) if *taken == [0]), "{taken:?}");
    let stale = shop.stations().edit(bar.id, Some(7), take("Wines"), shop.customer.id, now()).await;
    assert!(matches!(stale, Err(EditStationError::Stale { current: 1 })), "{stale:?}");
    shop.stations().archive(grill.id, Some(1), shop.customer.id, now()).await.unwrap();
    let edited = shop.stations().edit(bar.id, Some(1), take("Crème"), shop.customer.id, now()).await.unwrap();
    assert_eq!((edited.revision, edited.details.categories.as_slice().len()), (2, 1));
    let same = shop.stations().edit(bar.id, None, take("Crème"), shop.customer.id, now()).await.unwrap();
    assert_eq!(same.revision, 2, "nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_that_is_put_away_keeps_its_tickets_and_loses_its_menu_items() {
    let shop = Shop::open().await;
    let (grill, bar) = (shop.station("Grill", &["Pasta"]).await, shop.station("Bar", &[]).await);
    let id = accepted(&shop, &grill, &bar).await;
    let item = shop.item_at_station(&grill).await;
    shop.stations().archive(grill.id, None, shop.customer.id, now()).await.unwrap();
    let left = shop.menu.item(item.id).await.unwrap().unwrap();
    assert_eq!((left.station, left.revision), (None, item.revision + 1));
    let back = MenuItemEdit { station: Some(StationAssignment::Own(grill.id)), ..MenuItemEdit::default() };
    let refused = shop.menu.edit(item.id, left.revision, back, shop.customer.id, now()).await;
    assert!(matches!(refused, Err(EditMenuItemError::UnknownStation)), "{refused:?}");
    let ticket = tickets_of(&shop, id).await.into_iter().find(|ticket| ticket.station_id == grill.id).unwrap();
    assert_eq!(change(&shop, &ticket, TicketState::Cooking).await.unwrap().state, TicketState::Cooking);
    shop.assert_sound().await;
}
