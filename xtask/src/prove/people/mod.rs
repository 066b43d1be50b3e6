//! Who is at work.

mod admin;
mod board;
mod customer;
mod floater;
mod guesser;
mod importer;
mod kitchen;
mod reader;
mod staff;

pub use self::{
    admin::Admin, board::Board, customer::Customer, floater::Floater, guesser::Guesser, importer::Importer,
    kitchen::Cook, reader::Reader, staff::Staff,
};
