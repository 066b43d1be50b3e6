use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{ids::MenuItemId, ports::AdjustStockError, stock::StockDelta};

use super::etag;
use crate::http::{
    extract::{Json, MenuItemIdPath, Service, Staff},
    problem::{Code, Problem, ProblemDocument, ShortageDocument},
    validation::Violation,
    wire::{AdjustStockRequest, MenuItemResponse, Shown},
};

/// Enters a delivery, a breakage or a correction
#[utoipa::path(
    post, path = "/v1/menu/items/{id}/stock", tag = "menu",
    params(("id" = uuid::Uuid, Path)),
    request_body = AdjustStockRequest,
    responses(
        (status = 200, body = MenuItemResponse),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`insufficient-stock`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn adjust_stock(
    menu: Service<Menu>,
    Staff(staff): Staff,
    MenuItemIdPath(id): MenuItemIdPath,
    Json(request): Json<AdjustStockRequest>,
) -> Result<HttpResponse, Problem> {
    let (delta, reason) = request.validate()?;
    let item = menu.adjust_stock(staff, id, delta, reason).await.map_err(|error| problem(error, id, delta))?;
    Ok(HttpResponse::Ok().insert_header(etag(&item)).json(MenuItemResponse::new(&item, Shown::ToStaff)))
}

fn problem(error: AdjustStockError, id: MenuItemId, delta: StockDelta) -> Problem {
    match error {
        AdjustStockError::NotFound => Problem::not_found("menu item"),
        AdjustStockError::InsufficientStock { available } => {
            let requested = delta.get().unsigned_abs();
            let shortage = ShortageDocument { menu_item_id: id.as_uuid(), requested, available };
            Problem::new(Code::InsufficientStock, format!("Only {available} portion(s) are left."))
                .with("items", serde_json::json!([shortage]))
        }
        AdjustStockError::TooMuch => {
            let violation = Violation { pointer: "/delta".to_owned(), code: "out-of-range", detail: error.to_string() };
            Problem::new(Code::ValidationFailed, "A value is out of its range.").errors(vec![violation])
        }
        AdjustStockError::Unavailable(cause) => Problem::unavailable("menu.update", &cause),
    }
}
