macro_rules! operations {
    ($($variant:ident = $name:literal,)+) => {
        /// What could not be done when a problem is `unavailable`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation { $($variant),+ }

        impl Operation {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// A name that never changes.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

operations! {
    AnalyticsRead = "analytics.read",
    AuditRead = "audit.read",
    AuthLimit = "auth.limit",
    AuthLookup = "auth.lookup",
    DeadLetterRead = "dead_letter.read",
    DeadLetterUpdate = "dead_letter.update",
    FlagRead = "flag.read",
    FlagUpdate = "flag.update",
    KitchenRead = "kitchen.read",
    KitchenUpdate = "kitchen.update",
    LockoutRead = "lockout.read",
    LockoutUpdate = "lockout.update",
    MenuRead = "menu.read",
    MenuUpdate = "menu.update",
    OrderCreate = "order.create",
    OrderLookup = "order.lookup",
    OrderUpdate = "order.update",
    PasswordHash = "password.hash",
    PaymentCreate = "payment.create",
    PaymentUpdate = "payment.update",
    Request = "http.request",
    Stripe = "stripe",
    SupplyRead = "supply.read",
    SupplyUpdate = "supply.update",
    UserCreate = "user.create",
    UserLookup = "user.lookup",
    UserUpdate = "user.update",
}
