//! The OpenAPI document, put together from the routes, and the pages that show it.

mod describe;
mod document;
mod page;
mod webhooks;

pub use self::{
    describe::{Access, Describe, Description, text},
    document::{__path_json, document, json, operations_of},
    page::{__path_file, __path_page, __path_page_address, Docs, file, page, page_address},
};
