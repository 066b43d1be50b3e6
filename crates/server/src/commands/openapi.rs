use super::print;
use crate::http;

pub fn run() -> anyhow::Result<()> {
    print(http::document())
}
