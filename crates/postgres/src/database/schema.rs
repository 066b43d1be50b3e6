// @generated automatically by Diesel CLI.

diesel::table! {
    audit_log (id) {
        id -> Int8,
        actor_id -> Nullable<Uuid>,
        happened_at -> Timestamptz,
        action -> Text,
        target -> Text,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    database_histories (id) {
        id -> Int4,
        system_identifier -> Int8,
        after_event -> Int8,
        first_transaction -> Int8,
        noticed_at -> Timestamptz,
    }
}

diesel::table! {
    feature_flags (name) {
        name -> Text,
        percentage -> Int2,
    }
}

diesel::table! {
    gateway_events (id) {
        id -> Text,
        received_at -> Timestamptz,
        handled_at -> Nullable<Timestamptz>,
        taken_until -> Nullable<Timestamptz>,
        body -> Text,
        malformed -> Nullable<Text>,
        attempts -> Int4,
        unknown_kind -> Nullable<Text>,
        reader -> Nullable<Int2>,
    }
}

diesel::table! {
    idempotency_keys (caller_id, key) {
        caller_id -> Uuid,
        order_id -> Nullable<Uuid>,
        request_fingerprint -> Uuid,
        recorded_at -> Timestamptz,
        key -> Text,
        payment_id -> Nullable<Uuid>,
        answered_status -> Nullable<Text>,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    item_sales_by_day (day, menu_item_id) {
        day -> Timestamptz,
        menu_item_id -> Uuid,
        quantity -> Int8,
        revenue -> Numeric,
    }
}

diesel::table! {
    item_sales_by_hour (hour, menu_item_id) {
        hour -> Timestamptz,
        menu_item_id -> Uuid,
        quantity -> Int8,
        revenue -> Numeric,
    }
}

diesel::table! {
    kitchen_station_categories (form) {
        form -> Text,
        station_id -> Uuid,
        position -> Int4,
        category -> Text,
    }
}

diesel::table! {
    kitchen_stations (id) {
        id -> Uuid,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
        revision -> Int4,
        position -> Int4,
        name -> Text,
    }
}

diesel::table! {
    kitchen_tickets (id) {
        id -> Uuid,
        order_id -> Uuid,
        station_id -> Uuid,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        version -> Int4,
        state -> Text,
        lines -> Array<Nullable<Int2>>,
    }
}

diesel::table! {
    leases (name) {
        name -> Text,
        holder -> Uuid,
        held_until -> Timestamptz,
    }
}

diesel::table! {
    mail_tokens (hash) {
        hash -> Bytea,
        purpose -> Text,
        account_id -> Uuid,
        email -> Text,
        expires_at -> Timestamptz,
        credentials_version -> Int8,
        spent_at -> Nullable<Timestamptz>,
        unlock_due -> Bool,
    }
}

diesel::table! {
    mails (id) {
        id -> Uuid,
        kind -> Text,
        account_id -> Nullable<Uuid>,
        email -> Text,
        mailbox -> Text,
        created_at -> Timestamptz,
        counted_at -> Nullable<Timestamptz>,
        counted_as -> Nullable<Text>,
        next_at -> Nullable<Timestamptz>,
        attempts -> Int4,
        event_id -> Nullable<Int8>,
        request_key -> Nullable<Text>,
        typed -> Nullable<Text>,
    }
}

diesel::table! {
    menu_item_option_groups (menu_item_id, group_id) {
        menu_item_id -> Uuid,
        group_id -> Uuid,
        position -> Int4,
        min -> Int4,
        max -> Int4,
        max_each -> Int4,
    }
}

diesel::table! {
    menu_item_option_prices (menu_item_id, option_id) {
        menu_item_id -> Uuid,
        option_id -> Uuid,
        group_id -> Uuid,
        position -> Int4,
        price -> Int8,
    }
}

diesel::table! {
    menu_items (id) {
        id -> Uuid,
        version -> Int8,
        price -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
        stock -> Int4,
        low_stock_at -> Int4,
        revision -> Int4,
        active -> Bool,
        name -> Text,
        category -> Text,
        description -> Text,
        is_twin -> Bool,
        counted -> Bool,
        allergens -> Array<Nullable<Text>>,
        station_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    menu_options (id) {
        id -> Uuid,
        group_id -> Uuid,
        archived_at -> Nullable<Timestamptz>,
        price -> Int8,
        position -> Int4,
        supply_id -> Nullable<Uuid>,
        supply_amount -> Nullable<Int4>,
        name -> Text,
        allergens -> Array<Nullable<Text>>,
    }
}

diesel::table! {
    menu_version (only_row) {
        only_row -> Bool,
        version -> Int8,
        epoch -> Uuid,
        epoch_place -> Text,
    }
}

diesel::table! {
    option_groups (id) {
        id -> Uuid,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
        revision -> Int4,
        name -> Text,
    }
}

diesel::table! {
    option_sales_by_day (day, menu_item_id, option_id) {
        day -> Timestamptz,
        menu_item_id -> Uuid,
        option_id -> Uuid,
        quantity -> Int8,
        revenue -> Numeric,
    }
}

diesel::table! {
    order_lines (order_id, position) {
        order_id -> Uuid,
        menu_item_id -> Uuid,
        unit_price -> Int8,
        quantity -> Int4,
        position -> Int2,
        name -> Text,
        note -> Nullable<Text>,
        counted -> Bool,
        selections -> Nullable<Jsonb>,
        taken -> Nullable<Jsonb>,
        extras -> Int8,
    }
}

diesel::table! {
    orders (id) {
        id -> Uuid,
        customer_id -> Uuid,
        request_fingerprint -> Nullable<Uuid>,
        number -> Int8,
        total -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        version -> Int4,
        line_count -> Int2,
        status -> Text,
        idempotency_key -> Nullable<Text>,
        note -> Nullable<Text>,
        cancel_reason -> Nullable<Text>,
        accepted_on_placement -> Bool,
    }
}

diesel::table! {
    outbox_events (id) {
        id -> Int8,
        subject_id -> Uuid,
        occurred_at -> Timestamptz,
        subject_version -> Int4,
        kind -> Text,
        transaction_id -> Int8,
        stream_id -> Nullable<Uuid>,
        order_status -> Nullable<Text>,
    }
}

diesel::table! {
    outbox_horizon (only_row) {
        only_row -> Bool,
        deleted_before -> Timestamptz,
    }
}

diesel::table! {
    outbox_retries (id) {
        id -> Int8,
        subscriber -> Text,
        event_id -> Int8,
        stream_id -> Uuid,
        attempts -> Int4,
        next_at -> Timestamptz,
        taken_until -> Nullable<Timestamptz>,
        is_dead -> Bool,
        last_error -> Text,
    }
}

diesel::table! {
    outbox_subscribers (name) {
        name -> Text,
        transaction_id -> Int8,
        event_id -> Int8,
        history -> Int4,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    payment_incidents (id) {
        id -> Text,
        payment_id -> Uuid,
        amount -> Int8,
        opened_at -> Timestamptz,
        reported_at -> Timestamptz,
        funds_reported_at -> Nullable<Timestamptz>,
        withdrawn -> Bool,
        kind -> Text,
        currency -> Text,
        status -> Text,
        reason -> Text,
    }
}

diesel::table! {
    payments (id) {
        id -> Uuid,
        order_id -> Uuid,
        amount -> Int8,
        refunded -> Int8,
        begun_at -> Timestamptz,
        updated_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        paid_at -> Nullable<Timestamptz>,
        reported_at -> Nullable<Timestamptz>,
        taken_until -> Nullable<Timestamptz>,
        version -> Int4,
        call_off -> Bool,
        method -> Text,
        status -> Text,
        intent -> Nullable<Text>,
        client_secret -> Nullable<Text>,
    }
}

diesel::table! {
    recipe_ingredients (menu_item_id, supply_id) {
        menu_item_id -> Uuid,
        supply_id -> Uuid,
        position -> Int4,
        amount -> Int4,
    }
}

diesel::table! {
    refresh_tokens (hash) {
        hash -> Bytea,
        session_id -> Uuid,
        issued_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        sealed_successor -> Nullable<Bytea>,
        is_kept -> Bool,
    }
}

diesel::table! {
    refunds (id) {
        id -> Uuid,
        payment_id -> Uuid,
        requested_by -> Nullable<Uuid>,
        amount -> Int8,
        created_at -> Timestamptz,
        settled_at -> Nullable<Timestamptz>,
        taken_until -> Nullable<Timestamptz>,
        status -> Text,
        reason -> Text,
        gateway_id -> Nullable<Text>,
        attempts -> Int4,
        made_at -> Nullable<Timestamptz>,
        failed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sales_by_quarter_hour (slot) {
        slot -> Timestamptz,
        orders -> Int8,
        quantity -> Int8,
        revenue -> Numeric,
    }
}

diesel::table! {
    sales_summarized (only_row) {
        only_row -> Bool,
        transaction_id -> Int8,
        event_id -> Int8,
        history -> Int4,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        account_id -> Uuid,
        opened_at -> Timestamptz,
        expires_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
        closing_transaction_id -> Nullable<Int8>,
        client -> Nullable<Text>,
        network -> Nullable<Text>,
        last_used_at -> Nullable<Timestamptz>,
        idle_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    stock_adjustments (id) {
        id -> Int8,
        menu_item_id -> Uuid,
        adjusted_by -> Nullable<Uuid>,
        adjusted_at -> Timestamptz,
        delta -> Int4,
        reason -> Text,
    }
}

diesel::table! {
    supplies (id) {
        id -> Uuid,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
        stock -> Int4,
        low_stock_at -> Int4,
        revision -> Int4,
        unit -> Text,
        name -> Text,
    }
}

diesel::table! {
    supply_adjustments (id) {
        id -> Int8,
        supply_id -> Uuid,
        adjusted_by -> Nullable<Uuid>,
        adjusted_at -> Timestamptz,
        delta -> Int4,
        reason -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        name -> Text,
        role -> Text,
        disabled -> Bool,
        password_hash -> Text,
        created_at -> Timestamptz,
        credentials_version -> Int8,
        email_verified_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(audit_log -> users (actor_id));
diesel::joinable!(idempotency_keys -> orders (order_id));
diesel::joinable!(idempotency_keys -> payments (payment_id));
diesel::joinable!(idempotency_keys -> users (caller_id));
diesel::joinable!(item_sales_by_day -> menu_items (menu_item_id));
diesel::joinable!(item_sales_by_hour -> menu_items (menu_item_id));
diesel::joinable!(kitchen_station_categories -> kitchen_stations (station_id));
diesel::joinable!(kitchen_tickets -> kitchen_stations (station_id));
diesel::joinable!(kitchen_tickets -> orders (order_id));
diesel::joinable!(mail_tokens -> users (account_id));
diesel::joinable!(mails -> users (account_id));
diesel::joinable!(menu_item_option_groups -> menu_items (menu_item_id));
diesel::joinable!(menu_item_option_groups -> option_groups (group_id));
diesel::joinable!(menu_item_option_prices -> menu_items (menu_item_id));
diesel::joinable!(menu_item_option_prices -> menu_options (option_id));
diesel::joinable!(menu_items -> kitchen_stations (station_id));
diesel::joinable!(menu_options -> option_groups (group_id));
diesel::joinable!(menu_options -> supplies (supply_id));
diesel::joinable!(option_sales_by_day -> menu_items (menu_item_id));
diesel::joinable!(outbox_retries -> outbox_events (event_id));
diesel::joinable!(outbox_subscribers -> database_histories (history));
diesel::joinable!(payment_incidents -> payments (payment_id));
diesel::joinable!(payments -> orders (order_id));
diesel::joinable!(recipe_ingredients -> menu_items (menu_item_id));
diesel::joinable!(recipe_ingredients -> supplies (supply_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(refunds -> payments (payment_id));
diesel::joinable!(refunds -> users (requested_by));
diesel::joinable!(sales_summarized -> database_histories (history));
diesel::joinable!(sessions -> users (account_id));
diesel::joinable!(stock_adjustments -> menu_items (menu_item_id));
diesel::joinable!(stock_adjustments -> users (adjusted_by));
diesel::joinable!(supply_adjustments -> supplies (supply_id));
diesel::joinable!(supply_adjustments -> users (adjusted_by));

diesel::allow_tables_to_appear_in_same_query!(
    audit_log,
    database_histories,
    feature_flags,
    gateway_events,
    idempotency_keys,
    item_sales_by_day,
    item_sales_by_hour,
    kitchen_station_categories,
    kitchen_stations,
    kitchen_tickets,
    leases,
    mail_tokens,
    mails,
    menu_item_option_groups,
    menu_item_option_prices,
    menu_items,
    menu_options,
    menu_version,
    option_groups,
    option_sales_by_day,
    order_lines,
    orders,
    outbox_events,
    outbox_horizon,
    outbox_retries,
    outbox_subscribers,
    payment_incidents,
    payments,
    recipe_ingredients,
    refresh_tokens,
    refunds,
    sales_by_quarter_hour,
    sales_summarized,
    sessions,
    stock_adjustments,
    supplies,
    supply_adjustments,
    users,
);
