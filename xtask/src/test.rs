//! `cargo xtask test`

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::Context;

use crate::{
    build::Profile,
    cargo::cargo,
    comanda::{self, Comanda},
    pages,
    process::succeed,
    project::{self, State},
    selection::Selection,
    services::{
        self, Durability, Services, chromedriver, chromium, nginx, pgbouncer, postgres_for_tests, python_with_servers,
        redis_server,
    },
};

/// Starts PostgreSQL and Redis for the tests alone, prepares the database that each test's own is cloned from, and runs
/// the tests.
pub fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    run_with(arguments, &[])
}

/// The same with variables that only some tests need.
pub fn run_with(arguments: &[String], variables: &[(&str, &Path)]) -> anyhow::Result<ExitCode> {
    let state = State::open_empty("test")?;
    // While the tests run, somebody may build another one.
    let program = state.keep_program(&comanda::build(Profile::Development, "building the tests")?)?;
    let shim = services::disk_shim(Profile::Development)?;
    let services = Services::start(&state, Durability::None)?;
    let comanda = Comanda::new(program.clone(), &state, &services)?;
    // Servers sign in as a role that owns nothing, so that every test shows that this is enough for what it does.
    let server_url = match &services.postgres {
        Some(postgres) => postgres.server_role("comanda")?,
        None => services.database_url.clone(),
    };
    let mut migrate = comanda.command(&["migrate"]);
    migrate.env("DATABASE_URL", &server_url).env("MIGRATION_DATABASE_URL", &services.database_url);
    succeed(migrate.env("LOG", "warn"))?;

    let (postgres_programs, postgres_account) = postgres_for_tests(&state)?;
    let selection = Selection::of(arguments);
    let browser = if selection.browser.is_some() {
        vec![("TEST_CHROMEDRIVER", chromedriver()?), ("TEST_AXE", pages::axe()?)]
    } else {
        Vec::new()
    };
    let mut failures = Failures::default();
    let mut passed = true;
    for arguments in selection.runs() {
        let mut tests = cargo();
        tests
            .args(["test", "--no-fail-fast"])
            .args(arguments)
            .env("TEST_DATABASE_URL", &services.database_url)
            .env("TEST_SERVER_DATABASE_URL", &server_url)
            .env("TEST_REDIS_URL", &services.redis_url)
            .env("TEST_POSTGRES_PROGRAMS", &postgres_programs)
            .env("TEST_POSTGRES_ACCOUNT", &postgres_account)
            .env("TEST_REDIS_SERVER", redis_server()?)
            .env("TEST_CHROMIUM", chromium()?)
            .env("TEST_NGINX", nginx()?)
            .envs(pgbouncer_for_tests()?)
            .env("TEST_PYTHON", python_with_servers(&project::folder_of("python"))?)
            .env("TEST_COMANDA", &program)
            .env("TEST_DISK_SHIM", &shim)
            .envs(browser.iter().map(|(name, path)| (name, path)))
            .envs(variables.iter().copied());
        passed &= run_noting(&mut tests, &mut failures)?;
    }
    if passed {
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", failures.summary());
    Ok(ExitCode::FAILURE)
}

/// Runs tests, and prints what they print. Returns whether all have passed.
fn run_noting(tests: &mut Command, failures: &mut Failures) -> anyhow::Result<bool> {
    let mut tests = tests.stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
    if let Some(output) = tests.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            failures.record(&line);
        }
    }
    Ok(tests.wait()?.success())
}

/// The tests that need a pooler pass over without one: nobody needs it to work on the rest. CI has to have it.
fn pgbouncer_for_tests() -> anyhow::Result<Option<(&'static str, PathBuf)>> {
    match pgbouncer() {
        Ok(program) => Ok(Some(("TEST_PGBOUNCER", program))),
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("xtask: the tests with PgBouncer are left out: {error:#}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What libtest has said of tests that failed.
#[derive(Default)]
struct Failures {
    failed: Vec<Failed>,
    /// The test whose captured output is being printed.
    printing: Option<String>,
}

struct Failed {
    name: String,
    seed: Option<String>,
}

impl Failures {
    /// Takes note of a line of libtest's output.
    fn record(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            // Doctests are named by file and line: `src/lib.rs - (line 12)`.
            let name = name.trim_end_matches(" - should panic").to_owned();
            self.failed.push(Failed { name, seed: None });
        } else if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.printing = Some(name.to_owned());
        } else if let Some((_, seed)) = line.split_once("TEST_SEED=")
            && let Some(printing) = &self.printing
            && let Some(failed) = self.failed.iter_mut().rev().find(|failed| failed.name == *printing)
        {
            let seed = seed.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            failed.seed = Some(seed.to_owned());
        }
    }

    fn summary(&self) -> String {
        if self.failed.is_empty() {
            return "\nThe tests did not build, or a test program ended before its tests did; see above.".to_owned();
        }
        let mut summary = format!("\n{} failed. To run one alone:\n", self.failed.len());
        for Failed { name, seed } in &self.failed {
            let seed = seed.as_ref().map(|seed| format!("TEST_SEED={seed} ")).unwrap_or_default();
            let command = match name.split_once(" - ") {
                Some((file, _)) => format!("cargo xtask test --doc '{file}'"),
                None => format!("cargo xtask test {name}"),
            };
            summary.push_str("  ");
            summary.push_str(&seed);
            summary.push_str(&command);
            summary.push('\n');
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_how_to_run_each_failed_test_alone() {
        let mut failures = Failures::default();
        for line in [
            "test orders::one_is_sold ... ok",
            "test orders::none_is_sold_twice ... FAILED",
            "test src/money.rs - money::Money (line 7) ... FAILED",
            "---- orders::none_is_sold_twice stdout ----",
            "repeat with TEST_SEED=42",
        ] {
            failures.record(line);
        }
        assert_eq!(
            failures.summary(),
            "\n2 failed. To run one alone:\n  \
             TEST_SEED=42 cargo xtask test orders::none_is_sold_twice\n  \
             cargo xtask test --doc 'src/money.rs'\n"
        );
    }

    #[test]
    fn the_summary_does_not_blame_a_test_when_none_has_failed() {
        let mut failures = Failures::default();
        failures.record("test orders::one_is_sold ... ok");
        assert!(failures.summary().contains("did not build"));
    }
}
