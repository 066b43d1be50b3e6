use comanda_domain::{Basket, Quote, ports::QuoteOrderError};

use super::Orders;

impl Orders {
    /// What an order of this basket would cost at the moment, and what would be short. Nothing is taken.
    pub async fn quote(&self, basket: &Basket) -> Result<Quote, QuoteOrderError> {
        self.orders.quote(basket).await
    }
}
