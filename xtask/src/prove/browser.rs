//! What a browser adds to a call: cookies, and where the page is that sends it.

use hyper::{Method, header};

use super::person::Call;
use crate::http::Response;

pub const SESSION: &str = "__Host-session";
pub const DEVICE: &str = "__Host-device";
const CSRF: &str = "__Host-csrf";

/// The page that a call comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Ours,
    /// It does not know the CSRF token.
    Blind,
    /// It knows the token, and is of another origin.
    Foreign,
}

/// What goes along with a call of this page's.
pub fn headers(call: &Call, page: Page, host: &str) -> Vec<(&'static str, String)> {
    let credential = call.credential.as_ref();
    let csrf = credential.and_then(|credential| credential.csrf.clone());
    let session = credential.map(|credential| (SESSION, credential.token.clone()));
    let cookies = session.into_iter().chain(csrf.clone().map(|csrf| (CSRF, csrf)));
    let cookies = cookies.chain(call.device.clone().map(|device| (DEVICE, device)));
    let cookies: Vec<String> = cookies.map(|(name, value)| format!("{name}={value}")).collect();
    let mut headers = vec![("cookie", cookies.join("; "))];
    if call.method != Method::GET {
        let origin = if page == Page::Foreign { "elsewhere.example" } else { host };
        headers.push(("origin", format!("http://{origin}")));
        headers.extend(csrf.filter(|_| page != Page::Blind).map(|csrf| ("x-csrf-token", csrf)));
    }
    headers
}

/// The cookies that a response sets, each with what it holds. One that it clears holds nothing.
pub fn cookies(response: &Response) -> Vec<(String, String)> {
    let set = response.headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let pair = |cookie: &str| {
        let (name, value) = cookie.split(';').next()?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    set.filter_map(pair).collect()
}
