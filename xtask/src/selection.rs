//! Which tests `cargo xtask test` runs.

/// The package of the tests with a browser, and their target.
///
/// They are built apart from the others: their client (thirtyfour) has `serde_json` keep the order of members, for
/// everything that is built along with it. The server that is shipped does not, and the tests of its parts must not.
const BROWSER: (&str, &str) = ("comanda-browser-tests", "browser");

/// What of the tests the arguments select: the arguments for cargo, or `None` if there is nothing to run.
#[derive(Debug, PartialEq, Eq)]
pub struct Selection {
    others: Option<Vec<String>>,
    pub browser: Option<Vec<String>>,
}

impl Selection {
    /// Everything, unless the arguments name packages or targets.
    pub fn of(arguments: &[String]) -> Self {
        let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
        let (of_cargo, of_tests) = arguments.split_at(end);
        let (mut others, mut named, mut selects, mut packages) = (Vec::new(), false, false, false);
        let mut of_cargo = of_cargo.iter().peekable();
        while let Some(argument) = of_cargo.next() {
            if argument == "--test" && of_cargo.next_if(|target| *target == BROWSER.1).is_some() {
                named = true;
                continue;
            }
            packages |= argument.starts_with("-p") || argument.starts_with("--package");
            selects |= TARGETS.iter().any(|target| argument.split('=').next() == Some(target));
            others.push(argument.clone());
        }
        selects |= packages;
        let browser = (named || !selects).then(|| {
            let target = ["--package", BROWSER.0, "--test", BROWSER.1].map(str::to_owned);
            // Without targets among them, they say how to build, and the names of what to run: that is for both.
            let common = if selects { &[] } else { &others[..] };
            [&target[..], common, of_tests].concat()
        });
        let others = (selects || !named).then(|| {
            let all = ["--workspace", "--exclude", BROWSER.0].map(str::to_owned);
            [if packages { &[] } else { &all[..] }, &others, of_tests].concat()
        });
        Self { others, browser }
    }

    /// What to run, one after the other.
    pub fn runs(&self) -> impl Iterator<Item = &Vec<String>> {
        self.others.iter().chain(&self.browser)
    }
}

/// Arguments of cargo that select targets.
const TARGETS: [&str; 11] = [
    "--lib",
    "--bin",
    "--bins",
    "--example",
    "--examples",
    "--test",
    "--tests",
    "--bench",
    "--benches",
    "--all-targets",
    "--doc",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The two runs, as one would type them.
    fn selected(typed: &str) -> (Option<String>, Option<String>) {
        let arguments: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
        let Selection { others, browser } = Selection::of(&arguments);
        (others.map(|run| run.join(" ")), browser.map(|run| run.join(" ")))
    }

    #[test]
    fn everything_runs_unless_something_is_named() {
        let (others, browser) =
            ("--workspace --exclude comanda-browser-tests", "--package comanda-browser-tests --test browser");
        let both = |arguments: &str| (Some(format!("{others}{arguments}")), Some(format!("{browser}{arguments}")));
        assert_eq!(selected(""), both(""));
        assert_eq!(selected("the_menu -- --nocapture"), both(" the_menu -- --nocapture"));
        assert_eq!(selected("--locked"), both(" --locked"));
    }

    #[test]
    fn the_tests_with_a_browser_run_alone_and_beside_others() {
        let others = "--workspace --exclude comanda-browser-tests";
        let browser = "--package comanda-browser-tests --test browser";
        assert_eq!(selected("--test browser"), (None, Some(browser.to_owned())));
        let (alone, named) = ("--test browser -- keyboard", format!("{browser} -- keyboard"));
        assert_eq!(selected(alone), (None, Some(named.clone())));
        assert_eq!(
            selected("--test black_box --test browser --lib -- keyboard"),
            (Some(format!("{others} --test black_box --lib -- keyboard")), Some(named))
        );
    }

    #[test]
    fn other_targets_and_packages_run_without_a_browser() {
        let others = "--workspace --exclude comanda-browser-tests";
        for targets in ["--test black_box", "--lib", "--doc money", "--test=adapter"] {
            assert_eq!(selected(targets), (Some(format!("{others} {targets}")), None));
        }
        for packages in ["-p comanda-domain", "--package=xtask --lib", "-pcomanda-tests --test black_box -- menu"] {
            assert_eq!(selected(packages), (Some(packages.to_owned()), None));
        }
    }
}
