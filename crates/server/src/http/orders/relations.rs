use comanda_application::orders::Relations;

use crate::http::problem::{Code, Problem};

/// `?include=a,b`
pub(super) fn relations_in(include: Option<&str>) -> Result<Relations, Problem> {
    let mut relations = Relations::default();
    for name in include.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            "items" => relations.items = true,
            "customer" => relations.customer = true,
            "payments" => relations.payments = true,
            _ => {
                let detail =
                    format!("An order has no relation {name:?}: include can name items, customer and payments.");
                return Err(Problem::new(Code::InvalidRequest, detail));
            }
        }
    }
    Ok(relations)
}
