use comanda_domain::{OrderId, OrderScope, ports::Orders};
use futures_util::future::join_all;
use uuid::Uuid;

use crate::shop::Shop;

// One thread: all fifty ask in one turn of the runtime.
#[tokio::test]
async fn lookups_of_one_turn_share_a_statement() {
    let shop = Shop::open().await;
    let item = shop.item(100).await;
    let mut placed = Vec::new();
    for _ in 0..10 {
        placed.push(shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome);
    }
    let lookups = "%FROM \"orders\"%ANY%";
    let before = shop.database.statements(lookups).await;
    let asking = (0..50).map(|n| shop.orders.find(placed[n % 10].order.id, OrderScope::All));
    let found = join_all(asking).await;
    for (n, found) in found.into_iter().enumerate() {
        assert_eq!(found.unwrap().as_ref(), Some(&placed[n % 10]));
    }
    assert_eq!(shop.database.statements(lookups).await - before, 1);

    let nobodys = shop.orders.find(OrderId::new(Uuid::now_v7()), OrderScope::All).await.unwrap();
    assert_eq!(nobodys, None);
    let stranger = OrderScope::OwnedBy(comanda_domain::AccountId::new(Uuid::now_v7()));
    assert_eq!(shop.orders.find(placed[0].order.id, stranger).await.unwrap(), None);
}
