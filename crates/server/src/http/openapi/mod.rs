//! The OpenAPI document, put together from the routes, and the pages that show it.

mod components;
mod describe;
mod document;
mod examples;
mod operation;
mod page;
mod problems;
mod webhooks;

pub use self::{
    describe::{Access, Describe, Description, text},
    document::{__path_json, document, json, operations_of},
    page::{__path_file, __path_page, __path_page_address, Docs, file, page, page_address},
};
#[cfg(test)]
pub(in crate::http) use self::{operation::complete, problems::members};
