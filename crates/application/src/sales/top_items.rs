use comanda_domain::{
    PageLimit, Period, StaffMember,
    ports::{TopItem, Unavailable},
};

use super::Sales;

impl Sales {
    /// Reports the menu items that sold best in a period, the best first.
    pub async fn top_items(
        &self,
        _by: StaffMember,
        period: Period,
        limit: PageLimit,
    ) -> Result<Vec<TopItem>, Unavailable> {
        self.figures.top_items(period, limit).await
    }
}
