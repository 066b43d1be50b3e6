//! The tables as Diesel sees them. `migrations/` is what makes them.

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        name -> Text,
        role -> Text,
        disabled -> Bool,
        password_hash -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    menu_items (id) {
        id -> Uuid,
        version -> BigInt,
        price -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
        stock -> Integer,
        low_stock_at -> Integer,
        revision -> Integer,
        active -> Bool,
        name -> Text,
        category -> Text,
        description -> Text,
    }
}

diesel::table! {
    stock_adjustments (id) {
        id -> BigInt,
        menu_item_id -> Uuid,
        adjusted_by -> Nullable<Uuid>,
        adjusted_at -> Timestamptz,
        delta -> Integer,
        reason -> Text,
    }
}

diesel::table! {
    menu_version (only_row) {
        only_row -> Bool,
        version -> BigInt,
    }
}

diesel::table! {
    orders (id) {
        id -> Uuid,
        customer_id -> Uuid,
        request_fingerprint -> Nullable<Uuid>,
        number -> BigInt,
        total -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        version -> Integer,
        line_count -> SmallInt,
        status -> Text,
        idempotency_key -> Nullable<Text>,
        note -> Nullable<Text>,
        cancel_reason -> Nullable<Text>,
    }
}

diesel::table! {
    order_lines (order_id, position) {
        order_id -> Uuid,
        menu_item_id -> Uuid,
        unit_price -> BigInt,
        quantity -> Integer,
        position -> SmallInt,
        name -> Text,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    idempotency_keys (caller_id, key) {
        caller_id -> Uuid,
        order_id -> Uuid,
        request_fingerprint -> Uuid,
        recorded_at -> Timestamptz,
        key -> Text,
    }
}

diesel::table! {
    outbox_events (id) {
        id -> BigInt,
        subject_id -> Uuid,
        occurred_at -> Timestamptz,
        subject_version -> Integer,
        kind -> Text,
        transaction_id -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        account_id -> Uuid,
        opened_at -> Timestamptz,
        expires_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    refresh_tokens (hash) {
        hash -> Binary,
        session_id -> Uuid,
        issued_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        actor_id -> Nullable<Uuid>,
        happened_at -> Timestamptz,
        action -> Text,
        target -> Text,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    feature_flags (name) {
        name -> Text,
        percentage -> SmallInt,
    }
}

diesel::table! {
    sales_summarized (only_row) {
        only_row -> Bool,
        transaction_id -> BigInt,
        event_id -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(menu_items, menu_version);
