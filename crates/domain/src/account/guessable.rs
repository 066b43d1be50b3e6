//! What anybody would guess first: common passwords and words, sequences, repetitions, and what is known of an account.

use std::cmp::Ordering;

use super::Email;
use crate::PersonName;

/// The commonest passwords of twelve characters and more, in lower case and sorted: all of that length among the
/// million commonest of `SecLists` (MIT, <https://github.com/danielmiessler/SecLists>, "10 million passwords"), and
/// those on the lists of Django (BSD-3-Clause, <https://docs.djangoproject.com/en/stable/topics/auth/passwords/>) and
/// zxcvbn (MIT, <https://github.com/dropbox/zxcvbn>). The file NOTICE has their licences.
const COMMON: &str = include_str!("common_passwords.txt");

/// The words among the ten thousand commonest passwords of the same list, and some that services suggest themselves, in
/// lower case and sorted.
const WORDS: &str = include_str!("common_words.txt");

/// What this program is called.
const SERVICE: &str = "comanda";

/// Whether a password is one of the commonest, or made as those are.
pub(super) fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let compact: Vec<char> = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    has_line(COMMON, &lower)
        || repeats_itself(&lower)
        || (compact.len() >= 4 && is_sequence(&compact))
        || is_decorated_word(&lower)
}

/// Whether a password is little more than what is known of an account.
pub(super) fn is_personal(password: &str, email: &Email, name: &PersonName) -> bool {
    /// What has to be left when the known parts are taken out.
    const LEAST: usize = 8;

    let (email, name) = (email.as_str(), name.as_str().to_lowercase());
    let words = |text: &str| text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>();
    let mut known = vec![email.to_owned(), name.clone(), words(&name).concat(), SERVICE.to_owned()];
    known.extend(email.split('@').map(str::to_owned));
    known.extend(words(email));
    known.extend(words(&name));
    known.retain(|part| part.chars().count() >= 3);
    known.sort_by_key(|part| std::cmp::Reverse(part.len()));

    let lower = password.to_lowercase();
    let rest = known.iter().fold(lower.clone(), |rest, part| rest.replace(part.as_str(), ""));
    rest.len() < lower.len() && rest.chars().filter(|c| c.is_alphanumeric()).count() < LEAST
}

/// Whether a sorted list has this line. Its lines are ASCII.
fn has_line(list: &str, line: &str) -> bool {
    let (list, line) = (list.as_bytes(), line.as_bytes());
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = list[low..middle].iter().rposition(|byte| *byte == b'\n').map_or(low, |at| low + at + 1);
        let end = list[middle..].iter().position(|byte| *byte == b'\n').map_or(list.len(), |at| middle + at);
        match list[start..end].cmp(line) {
            Ordering::Equal => return true,
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = start,
        }
    }
    false
}

/// Whether it is one or two different characters, or the same few characters or the same word again and again.
fn repeats_itself(text: &str) -> bool {
    const SHORT: usize = 4;

    let characters: Vec<char> = text.chars().collect();
    let mut different = characters.clone();
    different.sort_unstable();
    different.dedup();
    let period = (1..=characters.len() / 2).find(|period| {
        let (from, to) = (&characters[*period..], &characters[..characters.len() - period]);
        from == to
    });
    different.len() <= 2
        || period.is_some_and(|period| {
            let unit = &characters[..period];
            period <= SHORT || is_sequence(unit) || has_line(WORDS, &unit.iter().collect::<String>())
        })
}

/// Whether all but two characters are in runs of three and more: in the alphabet, among the digits, or on a keyboard.
fn is_sequence(characters: &[char]) -> bool {
    const UNEXPLAINED: usize = 2;
    const LEAST: usize = 3;

    let (mut unexplained, mut rest) = (0, characters);
    while let Some(length) = longest_run(rest) {
        let taken = if length < LEAST {
            unexplained += 1;
            1
        } else {
            length
        };
        rest = &rest[taken..];
    }
    // Not every character of a short text may be unexplained.
    unexplained <= UNEXPLAINED && unexplained < characters.len()
}

/// Rows and columns of keyboards.
const KEYS: [&str; 16] = [
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "qsdfghjklm",
    "zxcvbnm",
    "yxcvbnm",
    "wxcvbn",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "zaq1",
];

/// The length of the longest run at the beginning. `None`: nothing is left.
fn longest_run(characters: &[char]) -> Option<usize> {
    let run = |follows: &dyn Fn(char, char) -> bool| {
        1 + characters.windows(2).take_while(|pair| follows(pair[0], pair[1])).count()
    };
    let next = |a: char, b: char| {
        (a == '9' && b == '0') || (a.is_alphanumeric() && b.is_alphanumeric() && a as u32 + 1 == b as u32)
    };
    let on_a_keyboard = KEYS.iter().flat_map(|keys| {
        let beside = |a: char, b: char| keys.find(a).zip(keys.find(b)).is_some_and(|(a, b)| a + 1 == b);
        [run(&beside), run(&|a, b| beside(b, a))]
    });
    let runs = on_a_keyboard.chain([run(&|a, b| a == b), run(&next), run(&|a, b| next(b, a))]);
    if characters.is_empty() { None } else { runs.max() }
}

/// Whether it is a common word with the usual before or after it: digits in order, a year, up to four digits, signs.
fn is_decorated_word(text: &str) -> bool {
    const FEW: usize = 4;

    let word = text.trim_matches(|c: char| !c.is_alphabetic());
    let plain: String = word.chars().map(plain_letter).collect();
    if !has_line(WORDS, word) && !has_line(WORDS, &plain) {
        return false;
    }
    let Some((before, after)) = text.split_once(word) else { return false };
    let digits: Vec<char> = before.chars().chain(after.chars()).filter(|c| c.is_alphanumeric()).collect();
    digits.len() <= FEW || is_sequence(&digits)
}

/// The letter that a digit or a sign stands for, as in `p4$$w0rd`.
fn plain_letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_so_that_every_line_is_found() {
        for (list, least) in [(COMMON, 40_000), (WORDS, 7_000)] {
            assert!(list.is_ascii() && list.ends_with('\n'));
            let lines: Vec<&str> = list.lines().collect();
            assert!(lines.len() >= least, "{}", lines.len());
            assert!(lines.is_sorted_by(|a, b| a < b));
            assert!(lines.iter().all(|line| has_line(list, line) && !line.contains(char::is_uppercase)));
            assert!(!has_line(list, "") && !has_line(list, "!!!") && !has_line(list, "zzzzzzzzzzzzzzzzzzzzzzzz~"));
        }
        assert!(COMMON.lines().all(|line| line.len() >= 12), "shorter ones are refused for that");
    }

    #[test]
    fn what_everybody_thinks_of_is_common() {
        for text in [
            "123456789012",
            "Password123!",
            "iloveyou1234",
            "admin1234567",
            "abcdefghijkl",
            "ABCDEFGHIJKL",
            "zyxwvutsrqpo",
            "098765432109",
            "qwertyuiop12",
            "Qwertzuiop1!",
            "asdfghjklasdf",
            "1qaz2wsx3edc",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "passwordpassword",
            "p@ssw0rd2024",
            "!!Dragon1987!!",
            "111122223333",
            "123 456 789 012",
            "абвгдежзийкл",
            "abcd1234abcd",
            "letmein!!!!!",
            "welcome-2025",
        ] {
            assert!(is_common(text), "{text}");
        }
    }

    #[test]
    fn what_takes_thought_is_not() {
        for text in [
            "correct horse battery",
            "three short words",
            "a password of the tests",
            "another long password",
            "dragon eats 12 noodles",
            "Xk3!pq9Zt#4m",
            "hunter2hunter2hunter2",
            "dragon8472915603",
            "ñandú ölçer žluť",
        ] {
            assert!(!is_common(text), "{text}");
        }
    }

    #[test]
    fn what_is_known_of_the_account_does_not_count() {
        let (email, name) =
            (Email::new("maria.rossi@trattoria.example").unwrap(), PersonName::new("María Rossi").unwrap());
        for text in [
            "maria.rossi@trattoria.example",
            "Maria.Rossi@Trattoria.example1",
            "mariarossi2024",
            "maríarossi!",
            "rossi-maria-77",
            "comanda12345",
            "ComandaComanda",
            "trattoria2024",
            "my comanda pw",
        ] {
            assert!(is_personal(text, &email, &name), "{text}");
        }
        for text in ["correct horse battery", "rossi makes good coffee", "no known part here"] {
            assert!(!is_personal(text, &email, &name), "{text}");
        }
    }
}
