use comanda_domain::PersonName;

/// The name that a mail greets its reader by, or `None` if a mail program might show a part of it as a link: whoever chose
/// the name would have it sent in ours.
///
/// Programs make links of what looks like a URL, a domain, an address or a telephone number. So a name has no slash,
/// colon, at sign or square bracket, no dot (of any script that domains may have) before anything but white space, and few digits.
pub(crate) fn greeting_name(name: &PersonName) -> Option<&str> {
    const DIGITS: usize = 4;
    let name = name.as_str();
    let links = |c: char| matches!(c, '/' | '\\' | ':' | '@' | '[' | ']' | '＠' | '：' | '／');
    let is_dot = |c: char| matches!(c, '.' | '。' | '．' | '｡');
    let dots_a_word = name.chars().zip(name.chars().skip(1)).any(|(one, next)| is_dot(one) && !next.is_whitespace());
    let digits = name.chars().filter(|c| c.is_numeric()).count();
    let is_harmless = !name.contains(links) && !dots_a_word && digits <= DIGITS;
    is_harmless.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeted(name: &str) -> bool {
        greeting_name(&PersonName::new(name).unwrap()).is_some()
    }

    #[test]
    fn people_are_greeted_by_name() {
        for name in ["Ana", "Ana 🍕", "Dr. Ana Söhne-O'Neil", "J. R. R.", "Ana & Ben", "李小龍", "Louis 14"] {
            assert!(greeted(name), "{name}");
        }
    }

    #[test]
    fn nobody_is_greeted_by_a_link() {
        for name in [
            "https://evil.example/refund",
            "dear customer, your card was charged 900 EUR. Dispute: https://evil.example/refund",
            "evil.example",
            "www.evil.example",
            "evil。example",
            "evil．example",
            "ana@evil.example",
            "tel 0190 555 1234",
            "[evil](x)",
        ] {
            assert!(!greeted(name), "{name}");
        }
    }
}
