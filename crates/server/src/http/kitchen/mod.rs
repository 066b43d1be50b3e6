//! `/v1/kitchen`

mod add_station;
mod archive_station;
mod change_ticket;
mod edit_station;
mod list_stations;
mod list_tickets;
mod station_response;
mod ticket_response;
mod watch_kitchen;

use comanda_domain::{Category, StationCategories};

pub use self::{
    add_station::{__path_add_station, add_station},
    archive_station::{__path_archive_station, archive_station},
    change_ticket::{__path_change_ticket, change_ticket},
    edit_station::{__path_edit_station, edit_station},
    list_stations::{__path_list_stations, list_stations},
    list_tickets::{__path_list_tickets, list_tickets},
    ticket_response::TicketResponse,
    watch_kitchen::{__path_watch_kitchen, watch_kitchen},
};
use super::{
    problem::{Code, Problem},
    validation::{Violation, ViolationCode, Violations},
};

/// The categories of a station, or `None` and violations.
fn read_categories(written: &[String], violations: &mut Violations) -> Option<StationCategories> {
    let read = |(at, text): (usize, &String)| violations.check(format!("/categories/{at}"), Category::new(text));
    // Every one of them is read, so that all violations are found.
    let categories: Vec<Option<Category>> = written.iter().enumerate().map(read).collect();
    violations.check("/categories", StationCategories::new(categories.into_iter().collect::<Option<_>>()?))
}

/// That the categories at these positions go to other stations.
fn category_taken(positions: &[usize]) -> Problem {
    let violation = |at: &usize| Violation {
        pointer: format!("/categories/{at}"),
        code: ViolationCode::Taken,
        detail: "goes to another station".to_owned(),
    };
    Problem::new(Code::CategoryTaken, "A category goes to another station.")
        .errors(positions.iter().map(violation).collect())
}
