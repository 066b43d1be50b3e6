use std::{error::Error, fmt};

/// An error and what caused it, separated by colons. Many errors show their cause themselves; it is not repeated.
#[derive(Clone, Copy, Debug)]
pub struct Causes<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        for cause in std::iter::successors(self.0.source(), |cause| (*cause).source()) {
            let cause = cause.to_string();
            if !shown.contains(&cause) {
                shown += ": ";
                shown += &cause;
            }
        }
        f.write_str(&shown)
    }
}

#[cfg(test)]
mod tests {
    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        #[source]
        cause: Option<Box<Self>>,
    }

    fn layers(texts: &[&'static str]) -> Layer {
        let cause = (texts.len() > 1).then(|| Box::new(layers(&texts[1..])));
        Layer { text: texts[0], cause }
    }

    #[test]
    fn each_cause_is_shown_once() {
        for (texts, expected) in [
            (&["refused"][..], "refused"),
            (&["cannot connect", "refused"], "cannot connect: refused"),
            (&["cannot connect: refused", "refused"], "cannot connect: refused"),
            (&["a: b: c", "b: c", "c", "errno 5"], "a: b: c: errno 5"),
        ] {
            assert_eq!(Causes(&layers(texts)).to_string(), expected);
        }
    }
}
