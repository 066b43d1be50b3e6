use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{America, Europe, Tz};
use comanda_domain::{MenuItemId, PageLimit, Period, SalesInterval, ports::SalesFigures};
use comanda_postgres::PostgresSalesFigures;
use comanda_tests::seeded;
use rand::{RngExt, rngs::StdRng, seq::IteratorRandom};
use serde_json::{Value, json};
use tokio_postgres::{Client, types::ToSql};
use uuid::Uuid;

use crate::shop::Shop;

struct SampleLine {
    item: Uuid,
    quantity: i32,
    unit_price: i64,
    /// Options, how often, and at which price.
    chosen: Vec<(Uuid, i64, i64)>,
}

impl SampleLine {
    fn of(items: &[Uuid], options: &[Uuid], random: &mut StdRng) -> Self {
        let chosen = (0..random.random_range(0..3)).map(|_| {
            let option = *options.iter().choose(random).unwrap();
            (option, random.random_range(1..4), random.random_range(0..300))
        });
        let chosen = chosen.collect();
        let item = *items.iter().choose(random).unwrap();
        Self { item, quantity: random.random_range(1..5), unit_price: random.random_range(0..2000), chosen }
    }

    fn extras(&self) -> i64 {
        self.chosen.iter().map(|(_, quantity, price)| quantity * price).sum()
    }

    fn selections(&self) -> Option<String> {
        let selection = |chosen: &(Uuid, i64, i64)| {
            let (option, quantity, price) = chosen;
            json!({ "o": option, "g": "", "n": "", "q": quantity, "p": price })
        };
        let all: Value = self.chosen.iter().map(selection).collect();
        (!self.chosen.is_empty()).then(|| all.to_string())
    }
}

/// Orders written directly into the tables, with the events that the server would have written.
struct SampleOrders<'a> {
    client: Client,
    customer: Uuid,
    items: Vec<Uuid>,
    options: Vec<Uuid>,
    random: &'a mut StdRng,
    placed: Vec<Uuid>,
}

impl SampleOrders<'_> {
    async fn place(&mut self, orders: usize, moments: &[DateTime<Utc>]) {
        for _ in 0..orders {
            let around = *moments.iter().choose(self.random).unwrap();
            let moment = around + TimeDelta::milliseconds(self.random.random_range(-300_000_000..300_000_000));
            let id = Uuid::now_v7();
            let lines: Vec<SampleLine> = (0..self.random.random_range(1..4))
                .map(|_| SampleLine::of(&self.items, &self.options, self.random))
                .collect();
            let total: i64 =
                lines.iter().map(|line| i64::from(line.quantity) * (line.unit_price + line.extras())).sum();
            let line_count = i16::try_from(lines.len()).unwrap();
            let order = "INSERT INTO orders (id, customer_id, total, created_at, updated_at, line_count) \
                         VALUES ($1, $2, $3, $4, $4, $5)";
            self.client.execute(order, &[&id, &self.customer, &total, &moment, &line_count]).await.unwrap();
            for (position, line) in (0_i16..).zip(lines) {
                let (extras, selections) = (line.extras(), line.selections());
                let SampleLine { item, quantity, unit_price, .. } = line;
                let line = "INSERT INTO order_lines \
                              (order_id, menu_item_id, unit_price, quantity, position, name, extras, selections) \
                            VALUES ($1, $2, $3, $4, $5, '', $6, ($7::text)::jsonb)";
                let values: [&(dyn ToSql + Sync); 7] =
                    [&id, &item, &unit_price, &quantity, &position, &extras, &selections];
                self.client.execute(line, &values).await.unwrap();
            }
            let event = "INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at) \
                         VALUES ('order.placed', $1, 1, $2)";
            self.client.execute(event, &[&id, &moment]).await.unwrap();
            self.placed.push(id);
        }
    }

    /// Accepts some orders, cancels some, and accepts and then cancels some.
    async fn accept_or_cancel(&mut self, orders: usize) {
        for _ in 0..orders {
            let id = *self.placed.iter().choose(self.random).unwrap();
            let to = if self.random.random_bool(0.5) { "cancelled" } else { "accepted" };
            let change = "WITH changed AS (UPDATE orders SET status = $2, version = version + 1 \
                            WHERE id = $1 AND status <> 'cancelled' RETURNING version) \
                          INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at) \
                          SELECT 'order.status_changed', $1, version, now() FROM changed";
            self.client.execute(change, &[&id, &to]).await.unwrap();
        }
    }

    /// Orders, quantity and revenue: the obvious computation.
    async fn sold(&self, period: Period) -> (i64, i64, i64) {
        let sql = "SELECT count(*), \
                     coalesce(sum((SELECT sum(quantity) FROM order_lines WHERE order_id = o.id)), 0)::bigint, \
                     coalesce(sum(total), 0)::bigint \
                   FROM orders o WHERE created_at >= $1 AND created_at < $2 AND status <> 'cancelled'";
        let row = self.client.query_one(sql, &[&period.from(), &period.to()]).await.unwrap();
        (row.get(0), row.get(1), row.get(2))
    }

    async fn top(&self, period: Period) -> Vec<(Uuid, i64, i64)> {
        let sql = "SELECT menu_item_id, sum(quantity)::bigint, sum((unit_price + extras) * quantity)::bigint \
                   FROM orders o JOIN order_lines ON order_id = o.id \
                   WHERE created_at >= $1 AND created_at < $2 AND status <> 'cancelled' \
                   GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT 7";
        let rows = self.client.query(sql, &[&period.from(), &period.to()]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }

    /// What was chosen with a menu item: option, quantity and revenue.
    async fn chosen(&self, item: MenuItemId, period: Period) -> Vec<(Uuid, i64, i64)> {
        let sql = "SELECT (s ->> 'o')::uuid, sum(l.quantity * (s ->> 'q')::bigint)::bigint, \
                     sum(l.quantity * (s ->> 'q')::bigint * (s ->> 'p')::bigint)::bigint \
                   FROM orders o JOIN order_lines l ON l.order_id = o.id, jsonb_array_elements(l.selections) s \
                   WHERE created_at >= $1 AND created_at < $2 AND status <> 'cancelled' AND menu_item_id = $3 \
                   GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1";
        let rows = self.client.query(sql, &[&period.from(), &period.to(), &item.as_uuid()]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }

    /// The beginnings of the intervals, computed by PostgreSQL.
    async fn beginnings(&self, period: Period, interval: &str, zone: Tz) -> Vec<DateTime<Utc>> {
        let sql = "SELECT DISTINCT greatest(date_trunc($3, slot, $4), $1) \
                   FROM generate_series(date_trunc('minute', $1::timestamptz), $2::timestamptz - interval '1 ms', \
                                        '1 minute') slot ORDER BY 1";
        let rows = self.client.query(sql, &[&period.from(), &period.to(), &interval, &zone.name()]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// Three options of one group.
async fn options(client: &Client) -> Vec<Uuid> {
    let add = "WITH g AS (INSERT INTO option_groups (id, created_at, updated_at, name) \
                          VALUES (gen_random_uuid(), now(), now(), 'Extras') RETURNING id) \
               INSERT INTO menu_options (id, group_id, price, position, name, allergens) \
               SELECT gen_random_uuid(), g.id, 100, n, 'Option ' || n, '{}' FROM g, generate_series(0, 2) n \
               RETURNING id";
    client.query(add, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Summarizes until no event is left. Transactions of other tests, in other databases, delay it: the oldest transaction
/// in the whole cluster counts.
pub async fn summarize_all(shop: &Shop, figures: &PostgresSalesFigures) {
    const LEFT: &str = "SELECT count(*) FROM outbox_events v, sales_summarized s \
                        JOIN database_histories h ON h.id = s.history \
                        WHERE h.id < latest_database_history() \
                           OR (v.id > h.after_event AND (v.transaction_id, v.id) > (s.transaction_id, s.event_id))";
    loop {
        figures.summarize().await.unwrap();
        if shop.database.number(LEFT).await == 0 {
            break;
        }
    }
}

async fn assert_equal(figures: &PostgresSalesFigures, sample: &mut SampleOrders<'_>, moments: &[DateTime<Utc>]) {
    for round in 0..12 {
        let zone = [Europe::Berlin, America::New_York][round % 2];
        let middle = *moments.iter().choose(sample.random).unwrap();
        let reach = [300_000, 30_000_000, 500_000_000][round / 2 % 3];
        let before = TimeDelta::milliseconds(sample.random.random_range(1..reach));
        let after = TimeDelta::milliseconds(sample.random.random_range(1..reach));
        let (mut from, mut to) = (middle - before, middle + after);
        if round % 4 == 0 {
            // Whole days of the time zone, as people ask for.
            let midnight = |at: DateTime<Utc>| {
                let day = at.with_timezone(&zone).date_naive().and_hms_opt(0, 0, 0).unwrap();
                zone.from_local_datetime(&day).unwrap().to_utc()
            };
            (from, to) = (midnight(from), midnight(to + TimeDelta::days(1)));
        }
        let period = Period::new(from, to).unwrap();
        let top = figures.top_items(period, PageLimit::new(7).unwrap()).await.unwrap();
        let reported: Vec<(Uuid, i64, i64)> = top
            .iter()
            .map(|item| (item.menu_item_id.as_uuid(), i64::try_from(item.quantity).unwrap(), item.revenue.amount()))
            .collect();
        assert_eq!(reported, sample.top(period).await, "top items of {period:?}");
        let ids: Vec<MenuItemId> = top.iter().map(|item| item.menu_item_id).collect();
        let sold = figures.sold_options(period, &ids).await.unwrap();
        for id in ids {
            let of_item = sold.get(&id).into_iter().flatten();
            let reported: Vec<(Uuid, i64, i64)> = of_item
                .map(|option| {
                    (option.option_id.as_uuid(), i64::try_from(option.quantity).unwrap(), option.revenue.amount())
                })
                .collect();
            assert_eq!(reported, sample.chosen(id, period).await, "options with {id} in {period:?}");
        }

        for (interval, name) in
            [(SalesInterval::Hour, "hour"), (SalesInterval::Day, "day"), (SalesInterval::Week, "week")]
        {
            let periods = interval.divide(period, &zone).unwrap();
            let begin: Vec<_> = periods.iter().map(|period| period.from()).collect();
            assert_eq!(begin, sample.beginnings(period, name, zone).await, "{name}s of {period:?} in {zone}");
            let sales = figures.sales(&periods).await.unwrap();
            assert_eq!(sales.len(), periods.len());
            for row in sales {
                let sold = sample.sold(row.period).await;
                let reported =
                    (i64::try_from(row.orders).unwrap(), i64::try_from(row.quantity).unwrap(), row.revenue.amount());
                assert_eq!(reported, sold, "{name} {:?} in {zone}", row.period);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_obvious_computation_across_clock_changes() {
    let shop = Shop::open().await;
    let mut random = seeded();
    let mut items = Vec::new();
    for _ in 0..10 {
        items.push(shop.item(1).await.id.as_uuid());
    }
    let moments: Vec<DateTime<Utc>> =
        ["2026-03-08T07:00:00Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-11-01T06:00:00Z"]
            .map(|text| text.parse().unwrap())
            .to_vec();
    let client = shop.database.client().await;
    let options = options(&client).await;
    let customer = shop.customer.id.as_uuid();
    let mut sample = SampleOrders { client, customer, items, options, random: &mut random, placed: Vec::new() };
    let figures = PostgresSalesFigures::new(shop.pool.clone());

    // Nothing summarized; all of it; some of it; cancellations of what was summarized before.
    sample.place(200, &moments).await;
    sample.accept_or_cancel(60).await;
    assert_equal(&figures, &mut sample, &moments).await;
    summarize_all(&shop, &figures).await;
    assert_equal(&figures, &mut sample, &moments).await;
    sample.place(100, &moments).await;
    sample.accept_or_cancel(100).await;
    assert_equal(&figures, &mut sample, &moments).await;
    summarize_all(&shop, &figures).await;
    sample.accept_or_cancel(50).await;
    assert_equal(&figures, &mut sample, &moments).await;

    // A restored dump brings numbers of transactions that its new cluster has not reached.
    let ahead = "UPDATE outbox_events SET transaction_id = transaction_id + 1000000000; \
                 SET comanda.counts_choices = 'on'; \
                 UPDATE sales_summarized SET transaction_id = transaction_id + 1000000000";
    sample.client.batch_execute(ahead).await.unwrap();
    sample.place(20, &moments).await;
    summarize_all(&shop, &figures).await;
    assert_equal(&figures, &mut sample, &moments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_committed_late_is_not_forgotten() {
    let shop = Shop::open().await;
    let mut random = seeded();
    let items = vec![shop.item(1).await.id.as_uuid()];
    let moment: DateTime<Utc> = "2026-07-01T12:00:00Z".parse().unwrap();
    let options = options(&shop.database.client().await).await;
    let new_sample = async |random| SampleOrders {
        client: shop.database.client().await,
        options: options.clone(),
        customer: shop.customer.id.as_uuid(),
        items: items.clone(),
        random,
        placed: Vec::new(),
    };
    let mut other_random = seeded();
    let (mut late, mut sample) = (new_sample(&mut random).await, new_sample(&mut other_random).await);
    let figures = PostgresSalesFigures::new(shop.pool.clone());
    let orders = async || {
        let period = Period::new(moment - TimeDelta::days(10), moment + TimeDelta::days(10)).unwrap();
        figures.sales(&[period]).await.unwrap()[0].orders
    };

    late.client.batch_execute("BEGIN").await.unwrap();
    late.place(1, &[moment]).await;
    sample.place(2, &[moment]).await;
    figures.summarize().await.unwrap();
    assert_eq!(orders().await, 2);
    late.client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(orders().await, 3);
    summarize_all(&shop, &figures).await;
    assert_eq!(orders().await, 3);
    let summarized = "SELECT sum(orders)::bigint FROM sales_by_quarter_hour";
    assert_eq!(shop.database.number(summarized).await, 3);
}
