/// Whether a program has printed what the guide shows: `…` stands for anything within a line, and alone on a line for
/// any lines.
pub fn is_as_shown(shown: &str, printed: &str) -> bool {
    lines_match(&shown.trim_end().lines().collect::<Vec<_>>(), &printed.trim_end().lines().collect::<Vec<_>>())
}

fn lines_match(shown: &[&str], printed: &[&str]) -> bool {
    match (shown.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first.trim() == "…" => {
            lines_match(rest, printed) || printed.split_first().is_some_and(|(_, later)| lines_match(shown, later))
        }
        (Some((first, rest)), Some((line, later))) => line_matches(first, line) && lines_match(rest, later),
        _ => false,
    }
}

fn line_matches(shown: &str, printed: &str) -> bool {
    match shown.split_once('…') {
        None => shown == printed,
        Some((before, after)) => printed.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| line_matches(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
        assert!(is_as_shown("a\n…\nd\n", "a\nb\nc\nd"));
        assert!(is_as_shown("a\n…\nd", "a\nd\n"));
        assert!(is_as_shown("\"id\": \"…\",", "\"id\": \"01a2\","));
        assert!(is_as_shown("…: x …", "y: x z"));
        assert!(!is_as_shown("a\n…\nd", "a\nb\nc"));
        assert!(!is_as_shown("\"id\": \"…\",", "\"id\": \"01a2\""));
        assert!(!is_as_shown("a", "a\nb"));
        assert!(!is_as_shown("a\nb", "a"));
    }
}
