//! Values and services for unit tests.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use comanda_domain::{
    Account, AccountId, Actor, Administrator, Basket, BasketLine, Category, Claimant, CredentialsVersion, Currency,
    Description, Email, FlagDefaults, MenuItem, MenuItemDetails, MenuItemId, MenuItemName, OptionDetails, OptionGroup,
    OptionGroupId, OptionGroupName, OptionName, Order, OrderId, OrderLimits, OrderLine, OrderNumber, OrderStatus,
    OrderWithLines, PasswordHash, PaymentTerms, Percentage, PersonName, Price, Quantity, Role, Selections, SessionId,
    SessionOrigin, StaffMember, Station, StationCategories, StationDetails, StationId, StationName, StationPlace,
    Stock, StockLevel, StockedDefinition, Supply, SupplyDetails, SupplyId, SupplyName, SupplyUnit, Timestamp,
    WrittenOption, WrittenOptions,
    ports::{
        Clock, Credentials, IdGenerator, MockAccessTokens, MockAccountChanges, MockAccounts, MockAuditLog,
        MockCheckout, MockClock, MockClosedSessions, MockFlagSettings, MockGatewayInbox, MockIdGenerator, MockLiveMenu,
        MockLockedAddresses, MockLockouts, MockMailSender, MockMailTokens, MockMails, MockMenu, MockOptionGroupList,
        MockOptionGroups, MockOrders, MockOverdueOrders, MockPasswordHasher, MockPaymentIntents, MockPayments,
        MockPublicMenu, MockRefreshTokens, MockRefunds, MockSalesFigures, MockSecurityLog, MockSessions, MockStations,
        MockSupplies, MockSupplyList, MockTickets, MockWorkQueue, NewAccount, SecurityLog,
    },
};

use crate::{
    Accounts, Kitchen, Mails, Menu, Operations, Orders, Payments, Sales, Sessions, Setup, Supplies,
    accounts::Passwords, events::RetryTerms, sessions::SessionTerms,
};

/// A service whose ports expect no call at all: tests replace those that they mean.
pub(crate) fn orders() -> Orders {
    Orders {
        orders: Arc::new(MockOrders::new()),
        accounts: Arc::new(MockAccounts::new()),
        payments: Arc::new(MockPayments::new()),
        payment_work: Arc::new(MockWorkQueue::new()),
        watchers: Arc::new(()),
        ids: ids(),
        clock: clock(),
        limits: OrderLimits::NONE,
    }
}

pub(crate) fn payments() -> Payments {
    Payments {
        payments: Arc::new(MockPayments::new()),
        checkout: Arc::new(MockCheckout::new()),
        intents: Arc::new(MockPaymentIntents::new()),
        refunds: Arc::new(MockRefunds::new()),
        inbox: Arc::new(MockGatewayInbox::new()),
        overdue: Arc::new(MockOverdueOrders::new()),
        gateway: None,
        work: Arc::new(MockWorkQueue::new()),
        ids: ids(),
        clock: clock(),
        terms: PaymentTerms { card: Duration::from_mins(15), unpaid: Duration::from_hours(1) },
    }
}

pub(crate) fn menu() -> Menu {
    Menu {
        menu: Arc::new(MockMenu::new()),
        live_menu: Arc::new(MockLiveMenu::new()),
        public_menu: Arc::new(MockPublicMenu::new()),
        option_groups: Arc::new(MockOptionGroups::new()),
        option_group_list: Arc::new(MockOptionGroupList::new()),
        ids: ids(),
        clock: clock(),
    }
}

pub(crate) fn supplies() -> Supplies {
    Supplies {
        supplies: Arc::new(MockSupplies::new()),
        list: Arc::new(MockSupplyList::new()),
        ids: ids(),
        clock: clock(),
    }
}

pub(crate) fn kitchen() -> Kitchen {
    Kitchen {
        stations: Arc::new(MockStations::new()),
        tickets: Arc::new(MockTickets::new()),
        watchers: Arc::new(()),
        ids: ids(),
        clock: clock(),
    }
}

pub(crate) fn passwords() -> Passwords {
    Passwords {
        accounts: Arc::new(MockAccounts::new()),
        changes: Arc::new(MockAccountChanges::new()),
        hasher: Arc::new(MockPasswordHasher::new()),
        lockouts: Arc::new(MockLockouts::new()),
        security: security(),
        ids: ids(),
        clock: clock(),
    }
}

pub(crate) fn accounts() -> Accounts {
    Accounts {
        accounts: Arc::new(MockAccounts::new()),
        changes: Arc::new(MockAccountChanges::new()),
        passwords: passwords(),
        closed_sessions: Arc::new(MockClosedSessions::new()),
        mails: Arc::new(MockMails::new()),
        mail_tokens: Arc::new(MockMailTokens::new()),
        mail_work: Arc::new(MockWorkQueue::new()),
        security: security(),
        ids: ids(),
        clock: clock(),
    }
}

pub(crate) fn mails() -> Mails {
    Mails {
        mails: Arc::new(MockMails::new()),
        sender: Some(Arc::new(MockMailSender::new())),
        tokens: Arc::new(MockMailTokens::new()),
        lockouts: Arc::new(MockLockouts::new()),
        clock: clock(),
        retries: RetryTerms { first_pause: Duration::from_secs(1), longest_pause: Duration::from_mins(1), attempts: 3 },
    }
}

pub(crate) fn sessions() -> Sessions {
    Sessions {
        sessions: Arc::new(MockSessions::new()),
        closed_sessions: Arc::new(MockClosedSessions::new()),
        passwords: passwords(),
        access_tokens: Arc::new(MockAccessTokens::new()),
        refresh_tokens: Arc::new(MockRefreshTokens::new()),
        security: security(),
        ids: ids(),
        clock: clock(),
        terms: SessionTerms {
            client: Duration::from_secs(100),
            browser: Duration::from_secs(50),
            browser_idle: Duration::from_secs(30),
            refresh_grace: Duration::from_secs(10),
            per_account: 4,
        },
    }
}

pub(crate) fn operations() -> Operations {
    let percentage = |n| Percentage::new(n).unwrap();
    Operations {
        accounts: Arc::new(MockAccounts::new()),
        lockouts: Arc::new(MockLockouts::new()),
        locked_addresses: Arc::new(MockLockedAddresses::new()),
        audit_log: Arc::new(MockAuditLog::new()),
        security: security(),
        flag_settings: Arc::new(MockFlagSettings::new()),
        flag_defaults: FlagDefaults { menu_cache: percentage(100), partial_invalidation: percentage(0) },
        clock: clock(),
    }
}

pub(crate) fn sales() -> Sales {
    Sales { figures: Arc::new(MockSalesFigures::new()), clock: clock() }
}

pub(crate) fn setup() -> Setup {
    Setup {
        accounts: Arc::new(MockAccountChanges::new()),
        menu: Arc::new(MockMenu::new()),
        live_menu: Arc::new(MockLiveMenu::new()),
        supplies: Arc::new(MockSupplies::new()),
        supply_list: Arc::new(MockSupplyList::new()),
        hasher: Arc::new(MockPasswordHasher::new()),
        security: security(),
        ids: ids(),
        clock: clock(),
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_timestamp_millis(1_790_000_000_123).unwrap()
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    let mut clock = MockClock::new();
    clock.expect_now().returning(now);
    Arc::new(clock)
}

/// Takes every event.
pub(crate) fn security() -> Arc<dyn SecurityLog> {
    let mut security = MockSecurityLog::new();
    security.expect_record().returning(|_| ());
    Arc::new(security)
}

pub(crate) fn ids() -> Arc<dyn IdGenerator> {
    let next = AtomicU64::new(1);
    let mut ids = MockIdGenerator::new();
    ids.expect_generate().returning(move || MenuItemId::new(uuid(next.fetch_add(1, Ordering::Relaxed))).as_uuid());
    Arc::new(ids)
}

fn uuid(n: u64) -> uuid::Uuid {
    uuid::Uuid::from_u64_pair(0, n)
}

pub(crate) fn email() -> Email {
    Email::new("ana@example.org").unwrap()
}

pub(crate) fn claimant() -> Claimant {
    Claimant::stranger(email())
}

pub(crate) fn password_hash() -> PasswordHash {
    PasswordHash::new("$argon2id$…".to_owned())
}

pub(crate) fn credentials() -> Credentials {
    Credentials { account: customer(), password_hash: password_hash(), version: CredentialsVersion::new(3) }
}

pub(crate) fn origin() -> SessionOrigin {
    SessionOrigin { client: None, network: None }
}

pub(crate) fn actor(role: Role) -> Actor {
    Actor { account_id: AccountId::new(uuid(100)), role, session_id: SessionId::new(uuid(400)) }
}

pub(crate) fn staff() -> StaffMember {
    actor(Role::Staff).as_staff().unwrap()
}

pub(crate) fn admin() -> Administrator {
    actor(Role::Admin).as_admin().unwrap()
}

pub(crate) fn customer() -> Account {
    Account {
        id: AccountId::new(uuid(100)),
        email: email(),
        name: PersonName::new("Ana").unwrap(),
        role: Role::Customer,
        disabled: false,
        email_verified: true,
        created_at: now(),
    }
}

pub(crate) fn account_of(new: &NewAccount) -> Account {
    Account {
        id: new.id,
        email: new.email.clone(),
        name: new.name.clone(),
        role: new.role,
        disabled: false,
        email_verified: false,
        created_at: new.created_at,
    }
}

pub(crate) fn menu_item() -> MenuItem {
    MenuItem {
        id: MenuItemId::new(uuid(200)),
        details: MenuItemDetails {
            name: MenuItemName::new("Carbonara").unwrap(),
            description: Description::new("").unwrap(),
            category: Category::new("Pasta").unwrap(),
            price: Price::new(1250, Currency::EUR).unwrap(),
            allergens: vec![],
            active: true,
        },
        stock: Some(StockLevel { on_hand: Stock::new(30).unwrap(), low_at: Stock::LOW }),
        station: None,
        definition: StockedDefinition::default(),
        revision: 1,
        version: 1,
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn written_options() -> WrittenOptions {
    let option = |name| WrittenOption {
        id: None,
        details: OptionDetails {
            name: OptionName::new(name).unwrap(),
            price: Price::new(50, Currency::EUR).unwrap(),
            allergens: vec![],
            supply: None,
        },
    };
    WrittenOptions::new(vec![option("Guacamole"), option("Salsa")]).unwrap()
}

pub(crate) fn option_group() -> OptionGroup {
    OptionGroup {
        id: OptionGroupId::new(uuid(400)),
        name: OptionGroupName::new("Extras").unwrap(),
        options: vec![],
        revision: 3,
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn supply() -> Supply {
    Supply {
        id: SupplyId::new(uuid(300)),
        details: SupplyDetails { name: SupplyName::new("Dough").unwrap(), low_stock_at: Stock::new(500).unwrap() },
        unit: SupplyUnit::Gram,
        stock: 8000,
        revision: 1,
        version: 1,
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn station() -> Station {
    Station {
        id: StationId::new(uuid(500)),
        details: StationDetails {
            name: StationName::new("Grill").unwrap(),
            categories: StationCategories::default(),
            place: StationPlace::stored(0),
        },
        revision: 1,
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn basket() -> Basket {
    let line = BasketLine {
        menu_item_id: menu_item().id,
        quantity: Quantity::new(2).unwrap(),
        selections: Selections::default(),
        note: None,
    };
    Basket::new(vec![line]).unwrap()
}

pub(crate) fn order_with_lines() -> OrderWithLines {
    let price = menu_item().details.price.money();
    let total = price.checked_times(Quantity::new(2).unwrap()).unwrap();
    OrderWithLines {
        order: Order {
            id: OrderId::new(uuid(300)),
            number: OrderNumber::new(1),
            status: OrderStatus::Pending,
            total,
            line_count: 1,
            note: None,
            customer_id: customer().id,
            created_at: now(),
            updated_at: now(),
            version: 1,
        },
        lines: vec![OrderLine {
            menu_item_id: menu_item().id,
            name: menu_item().details.name,
            unit_price: price,
            quantity: Quantity::new(2).unwrap(),
            selections: Vec::new(),
            line_total: total,
            taken: BTreeMap::new(),
            note: None,
        }],
    }
}
