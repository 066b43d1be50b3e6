use comanda_application::orders::Relations;

use crate::http::problem::{Code, Problem};

/// `?include=a,b`; nothing for `?include=`, as it is written from a list that is empty.
pub(super) fn relations_in(include: Option<&str>) -> Result<Relations, Problem> {
    let mut relations = Relations::default();
    let names = include.filter(|names| !names.is_empty()).into_iter().flat_map(|names| names.split(','));
    for name in names {
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
