use std::{sync::Arc, time::Duration};

use chrono::{SubsecRound, Utc};
use comanda_domain::{
    AcceptOrders, Account, AccountId, Basket, BasketLine, Category, Currency, Description, Email, Idempotency,
    IdempotencyKey, MenuItem, MenuItemDetails, MenuItemEdit, MenuItemId, MenuItemName, NewMenuItem, NewOrder,
    NewStation, NewSupply, OrderId, OrderLimits, PasswordHash, PersonName, Price, Quantity, RequestFingerprint, Role,
    Selections, Station, StationAssignment, StationCategories, StationId, StationName, Stock, StockLevel, Supply,
    SupplyDetails, SupplyId, SupplyName, SupplyUnit, Timestamp,
    ports::{Accounts, LiveMenu, Menu, MenuObserver, NewAccount, Stations, Supplies},
};
use comanda_postgres::{
    Database, DatabaseConfig, EarlyRelease, PlacementConfig, PostgresAccounts, PostgresMenu, PostgresOrders,
    PostgresStations, PostgresSupplies, PostgresTickets, check_invariants,
};
use comanda_tests::TestDatabase;
use tokio::sync::Notify;
use uuid::Uuid;

/// The adapters on one database, and a customer.
pub struct Shop {
    pub orders: Committed,
    pub menu: PostgresMenu,
    pub supplies: PostgresSupplies,
    pub accounts: PostgresAccounts,
    pub customer: Account,
    pub pool: Database,
    // Last: a database can be dropped only when nobody is connected to it.
    pub database: TestDatabase,
}

pub fn now() -> Timestamp {
    Utc::now().trunc_subsecs(3)
}

pub const DEADLINE: Duration = Duration::from_secs(5);

impl Shop {
    pub async fn open() -> Self {
        Self::with_deadline(DEADLINE).await
    }

    pub async fn with_deadline(deadline: Duration) -> Self {
        let database = TestDatabase::migrated().await;
        let pool = connect(&database, deadline).await;
        let orders = orders(&pool, deadline);
        let menu = PostgresMenu::new(pool.clone());
        let supplies = PostgresSupplies::new(pool.clone());
        let accounts = PostgresAccounts::new(pool.clone());
        let customer = accounts.register(new_account("ana@example.org")).await.unwrap();
        Self { orders, menu, supplies, accounts, customer, pool, database }
    }

    pub async fn item(&self, quantity: i64) -> MenuItem {
        self.item_at(quantity, 990).await
    }

    pub async fn item_at(&self, quantity: i64, price: i64) -> MenuItem {
        self.item_with(Some(level(quantity)), price).await
    }

    /// A menu item that is not counted.
    pub async fn uncounted(&self) -> MenuItem {
        self.item_with(None, 990).await
    }

    async fn item_with(&self, stock: Option<StockLevel>, price: i64) -> MenuItem {
        let id = Uuid::now_v7();
        let details = details(&format!("Menu item {}", id.simple()));
        let item = NewMenuItem {
            id: MenuItemId::new(id),
            details: MenuItemDetails { price: Price::new(price, Currency::EUR).unwrap(), ..details },
            stock,
            station: None,
            added_at: now(),
        };
        self.menu.add(item, self.customer.id, None).await.unwrap().outcome
    }

    pub async fn supply(&self, name: &str, quantity: i64) -> Supply {
        let supply = NewSupply {
            id: SupplyId::new(Uuid::now_v7()),
            details: SupplyDetails { name: SupplyName::new(name).unwrap(), low_stock_at: Stock::LOW },
            unit: SupplyUnit::Gram,
            stock: Stock::new(quantity).unwrap(),
            added_at: now(),
        };
        self.supplies.add(supply, self.customer.id, None).await.unwrap().outcome
    }

    pub fn stations(&self) -> PostgresStations {
        PostgresStations::new(self.pool.clone())
    }

    pub fn tickets(&self) -> PostgresTickets {
        PostgresTickets::new(self.pool.clone())
    }

    /// A station that makes these categories.
    pub async fn station(&self, name: &str, categories: &[&str]) -> Station {
        let categories = categories.iter().map(|category| Category::new(category).unwrap()).collect();
        let station = NewStation {
            id: StationId::new(Uuid::now_v7()),
            name: StationName::new(name).unwrap(),
            categories: StationCategories::new(categories).unwrap(),
            place: None,
            added_at: now(),
        };
        self.stations().add(station, self.customer.id, None).await.unwrap().outcome
    }

    /// A menu item that is made at a station of its own.
    pub async fn item_at_station(&self, station: &Station) -> MenuItem {
        let item = self.item(1000).await;
        let edit = MenuItemEdit { station: Some(StationAssignment::Own(station.id)), ..MenuItemEdit::default() };
        self.menu.edit(item.id, item.revision, edit, self.customer.id, now()).await.unwrap()
    }

    pub async fn stock(&self, item: &MenuItem) -> u32 {
        self.menu.item(item.id).await.unwrap().expect("not archived").on_hand().expect("counted")
    }

    pub fn order(&self, lines: &[(&MenuItem, i64)]) -> NewOrder {
        let line = |(item, quantity): &(&MenuItem, i64)| BasketLine {
            menu_item_id: item.id,
            quantity: Quantity::new(*quantity).unwrap(),
            selections: Selections::default(),
            note: None,
        };
        NewOrder {
            id: OrderId::new(Uuid::now_v7()),
            customer_id: self.customer.id,
            basket: Basket::new(lines.iter().map(line).collect()).unwrap(),
            note: None,
            placed_at: now(),
            idempotency: None,
            limits: OrderLimits::NONE,
        }
    }

    pub fn keyed(&self, key: &str, order: NewOrder) -> NewOrder {
        NewOrder { idempotency: Some(self.idempotency(key)), ..order }
    }

    pub fn idempotency(&self, key: &str) -> Idempotency {
        Idempotency {
            caller: self.customer.id,
            key: IdempotencyKey::new(key).unwrap(),
            fingerprint: RequestFingerprint::new([7; 16]),
        }
    }

    /// Holds the row of a menu item until the connection is dropped.
    pub async fn hold(&self, item: &MenuItem) -> tokio_postgres::Client {
        let holder = self.database.client().await;
        holder
            .batch_execute(&format!("BEGIN; SELECT FROM menu_items WHERE id = '{}' FOR UPDATE", item.id))
            .await
            .unwrap();
        holder
    }

    /// Returns when this many connections wait for a lock.
    pub async fn until_waiting(&self, connections: i64) {
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let client = self.database.client().await;
        loop {
            let waiting: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
            if waiting == connections {
                break;
            }
            tokio::task::yield_now().await;
        }
    }

    pub async fn assert_sound(&self) {
        let findings = check_invariants(&self.pool).await.unwrap();
        let broken: Vec<_> = findings.into_iter().filter(|finding| !finding.violations.is_empty()).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

/// What has the form of a hash of this password.
pub fn hash_of(password: &str) -> PasswordHash {
    PasswordHash::new(format!("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA${:A<43}", format!("hashOf{password}")))
}

pub async fn connect(database: &TestDatabase, transaction_limit: Duration) -> Database {
    Database::connect(config(database, transaction_limit)).await.unwrap()
}

pub fn config(database: &TestDatabase, transaction_limit: Duration) -> DatabaseConfig {
    DatabaseConfig {
        // Explaining a slow statement waits for the same locks, and would be counted by [`Shop::until_waiting`].
        slow_statement: Duration::from_mins(1),
        replica_url: None,
        replica_lag: Duration::ZERO,
        url: database.url.parse().unwrap(),
        currency: Currency::EUR,
        write_connections: 8,
        read_connections: 8,
        free_read_connections: 2,
        wait_for_connection: Duration::from_secs(10),
        transaction_limit,
        read_limit: transaction_limit,
        report_limit: transaction_limit,
    }
}

pub fn orders(pool: &Database, deadline: Duration) -> Committed {
    orders_observed_by(Arc::new(()), pool, deadline)
}

pub fn orders_observed_by(observer: Arc<dyn MenuObserver>, pool: &Database, deadline: Duration) -> Committed {
    orders_releasing(EarlyRelease::Auto, observer, pool, deadline)
}

pub fn orders_releasing(
    early_release: EarlyRelease,
    observer: Arc<dyn MenuObserver>,
    pool: &Database,
    deadline: Duration,
) -> Committed {
    let config = PlacementConfig {
        queue_capacity: 1000,
        batch_limit: 100,
        deadline,
        early_release,
        accept: AcceptOrders::Staff,
    };
    Committed::start(PostgresOrders::new(pool.clone(), config, observer))
}

/// Orders with a committer on a thread of its own, as the server has it. Like there, it outlives whoever gave up on an
/// order.
pub struct Committed {
    orders: Arc<PostgresOrders>,
    shutdown: Arc<Notify>,
    ended: tokio::sync::Mutex<Option<tokio::sync::oneshot::Receiver<()>>>,
}

impl Committed {
    fn start(orders: PostgresOrders) -> Self {
        let (orders, shutdown) = (Arc::new(orders), Arc::new(Notify::new()));
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        std::thread::spawn({
            let (orders, shutdown) = (Arc::clone(&orders), Arc::clone(&shutdown));
            move || {
                runtime.block_on(orders.commit(shutdown.notified(), || {}));
                drop(end);
            }
        });
        Self { orders, shutdown, ended: tokio::sync::Mutex::new(Some(ended)) }
    }

    /// Returns once the committer has ended.
    pub async fn drain(&self) {
        self.shutdown.notify_one();
        if let Some(ended) = self.ended.lock().await.take() {
            // Nothing is ever sent: closing is the signal.
            let _ = ended.await;
        }
    }
}

impl std::ops::Deref for Committed {
    type Target = PostgresOrders;

    fn deref(&self) -> &PostgresOrders {
        &self.orders
    }
}

impl Drop for Committed {
    fn drop(&mut self) {
        self.shutdown.notify_one();
    }
}

pub fn new_account(email: &str) -> NewAccount {
    NewAccount {
        id: AccountId::new(Uuid::now_v7()),
        email: Email::new(email).unwrap(),
        name: PersonName::new("Ana").unwrap(),
        role: Role::Customer,
        password_hash: hash_of("first"),
        created_at: now(),
    }
}

/// A stock with the usual threshold.
pub fn level(quantity: i64) -> StockLevel {
    StockLevel { on_hand: Stock::new(quantity).unwrap(), low_at: Stock::LOW }
}

pub fn details(name: &str) -> MenuItemDetails {
    MenuItemDetails {
        name: MenuItemName::new(name).unwrap(),
        description: Description::new("").unwrap(),
        category: Category::new("Pasta").unwrap(),
        price: Price::new(990, Currency::EUR).unwrap(),
        allergens: vec![],
        active: true,
    }
}
