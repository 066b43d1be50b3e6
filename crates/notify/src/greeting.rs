use comanda_domain::PersonName;
use unicode_normalization::UnicodeNormalization;

/// The name that a mail greets its reader by, or `None` if a mail program might show a part of it as a link: whoever
/// chose the name would have it sent in ours.
///
/// Programs make links of what looks like a URL, a domain, an address or a telephone number. So of ASCII a name has
/// letters, a few digits, spaces and the punctuation of names, and a dot is followed by nothing but white space. What
/// Unicode calls the same as one of these characters is treated like it.
pub(crate) fn greeting_name(name: &PersonName) -> Option<&str> {
    const DIGITS: usize = 4;
    let plain: String = name.as_str().nfkc().collect();
    let is_of_a_name =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | ',' | '\'' | '-' | '&');
    // Domains may have the ideographic full stop as well.
    let is_dot = |c: char| matches!(c, '.' | '。');
    let dots_a_word = plain.chars().zip(plain.chars().skip(1)).any(|(one, next)| is_dot(one) && !next.is_whitespace());
    let digits = plain.chars().filter(|c| c.is_numeric()).count();
    let is_harmless = plain.chars().all(is_of_a_name) && !dots_a_word && digits <= DIGITS;
    is_harmless.then_some(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeted(name: &str) -> bool {
        greeting_name(&PersonName::new(name).unwrap()).is_some()
    }

    #[test]
    fn people_are_greeted_by_name() {
        for name in ["Ana", "Ana 🍕", "Dr. Ana Söhne-O'Neil", "J. R. R.", "Ana & Ben", "李小龍", "Louis 14", "Zoë, jr."]
        {
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
            "evil｡example",
            "evil․example",
            "evil﹒example",
            "𝐞𝐯𝐢𝐥.𝐞𝐱𝐚𝐦𝐩𝐥𝐞",
            "https：／／evil",
            "ana@evil",
            "ana＠evil",
            "tel 0190 555 1234",
            "tel ０１９０ ５５５",
            "[evil](x)",
            "<a href=evil>",
            "evil\\share",
        ] {
            assert!(!greeted(name), "{name}");
        }
    }
}
