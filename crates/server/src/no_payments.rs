use std::collections::HashMap;

use async_trait::async_trait;
use comanda_domain::{
    ids::OrderId,
    payment::Payment,
    ports::{Payments, Unavailable},
};

/// Payments are not taken yet: no order has any.
pub struct NoPayments;

#[async_trait]
impl Payments for NoPayments {
    async fn of_orders(&self, _: &[OrderId]) -> Result<HashMap<OrderId, Vec<Payment>>, Unavailable> {
        Ok(HashMap::new())
    }
}
