//! Every command in docs/runbook runs as it is written there, with what docs/runbook/README.md says of the environment.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use comanda_tests::{TestApp, TestAuthority, program};
use serde_json::Value;
use uuid::Uuid;

/// The pages by name.
fn pages() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbook");
    let pages = fs::read_dir(folder).unwrap().map(|page| page.unwrap().path());
    pages.map(|page| (page.file_name().unwrap().display().to_string(), fs::read_to_string(page).unwrap())).collect()
}

/// What a page holds that can be run.
#[derive(Default)]
struct Commands {
    /// Blocks of shell commands.
    blocks: Vec<String>,
    /// Commands, statements and requests within the text.
    spans: Vec<String>,
}

impl Commands {
    fn of(page: &str) -> Self {
        let mut commands = Self::default();
        let mut text = String::new();
        let mut lines = page.lines();
        while let Some(line) = lines.next() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                assert_eq!(language, "sh", "blocks of the runbook are for the shell");
                let indentation = line.len() - line.trim_start().len();
                let block = lines.by_ref().take_while(|line| line.trim() != "```");
                let block: Vec<&str> = block.map(|line| line.get(indentation..).unwrap_or_default()).collect();
                commands.blocks.push(block.join("\n"));
            } else {
                text.push_str(line);
                text.push('\n');
            }
        }
        let parts: Vec<&str> = text.split('`').collect();
        assert!(parts.len() % 2 == 1, "a span that does not end: {text}");
        let spans = parts.iter().skip(1).step_by(2);
        commands.spans = spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        commands
    }
}

/// In the forms that an `EnvironmentFile` may have. Each of them is a mistake if its quotes are taken for a part of it.
const SETTINGS: &str = r#"# Settings
BREAKER_ORDER_CREATE=failure_percent=50 probes=3
CURRENCY="EUR"
  LOG='warn'
ORDER_LIMIT_OPEN=20
; Neither is this one.
EVENT_SOURCE="/a \"b\" & \$c \\ \`d\` \e"
JWT_ISSUER='it is "quoted" \ & $so'
JWT_AUDIENCE=a\ b\\c"#;

/// What systemd 252 makes of them.
const AS_SYSTEMD_READS_THEM: [(&str, &str); 7] = [
    ("BREAKER_ORDER_CREATE", "failure_percent=50 probes=3"),
    ("CURRENCY", "EUR"),
    ("LOG", "warn"),
    ("ORDER_LIMIT_OPEN", "20"),
    ("EVENT_SOURCE", r#"/a "b" & $c \ `d` \e"#),
    ("JWT_ISSUER", r#"it is "quoted" \ & $so"#),
    ("JWT_AUDIENCE", r"a b\c"),
];

/// A shell with the environment that the pages assume.
struct Shell<'a> {
    app: &'a TestApp,
    folder: PathBuf,
}

impl<'a> Shell<'a> {
    fn open(app: &'a TestApp) -> Self {
        let folder = std::env::temp_dir().join(format!("comanda-runbook-{}", Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        let certificate = TestAuthority::new().certify(&["db.example"]);
        fs::write(folder.join("certificate.pem"), certificate.certificate).unwrap();
        // As packaging/comanda.service has it.
        fs::create_dir_all(folder.join("etc/secrets")).unwrap();
        let settings = SETTINGS.replace("OPEN=20", "OPEN=20  ");
        fs::write(folder.join("etc/comanda.env"), settings).unwrap();
        fs::write(folder.join("etc/secrets/secret_key"), "a secret of a file, & of nobody else\n").unwrap();
        Self { app, folder }
    }

    fn run(&self, script: &str) -> Output {
        let binaries = Path::new(&program()).parent().unwrap().to_owned();
        let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        let settings = self.app.command(&[]);
        let settings = settings.get_envs().filter_map(|(name, value)| Some((name, value?)));
        shell.args(["-eu", "-c", script]).current_dir(&self.folder).env_clear().envs(settings);
        shell.env("PATH", path).env("LC_ALL", "C").env("SUPERUSER_URL", &self.app.database.url);
        shell.env("COMANDA_SETTINGS", self.folder.join("etc"));
        shell.env("MIGRATION_DATABASE_URL", &self.app.database.url);
        shell.env("ADMIN_EMAIL", "admin@comanda.example").env("ADMIN_PASSWORD", "another password of the tests");
        shell.output().unwrap()
    }
}

impl Drop for Shell<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_block_of_the_runbook_runs_as_it_is_written() {
    let app = TestApp::open().await;
    let shell = Shell::open(&app);
    // Whatever was pasted by mistake, it is still there.
    let dumps = ["comanda.dump", "comanda-2000-01-01-000000.dump"].map(|name| shell.folder.join(name));
    for dump in &dumps {
        fs::write(dump, "the only one").unwrap();
    }
    let mut count = 0;
    for (name, page) in pages() {
        for block in Commands::of(&page).blocks {
            let output = shell.run(&block);
            assert!(output.status.success(), "{name}:\n{block}\n{output:?}");
            count += 1;
        }
    }
    assert!(count >= 10, "{count} blocks");
    for dump in dumps {
        assert_eq!(fs::read_to_string(&dump).unwrap(), "the only one", "{dump:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_of_the_systemd_unit_are_read_as_systemd_reads_them() {
    let app = TestApp::open().await;
    let shell = Shell::open(&app);
    let first = Commands::of(&pages()["README.md"]).blocks.remove(0);
    for (name, value) in AS_SYSTEMD_READS_THEM {
        let output = shell.run(&format!("{first} > checked\nprintf %s \"${name}\""));
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), value, "{name}");
    }
    let secret = shell.run(&format!("{first} > checked\nprintf %s \"$SECRET_KEY\""));
    assert_eq!(String::from_utf8(secret.stdout).unwrap(), "a secret of a file, & of nobody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_statement_and_request_in_the_runbook_exists() {
    let app = TestApp::open().await;
    let shell = Shell::open(&app);
    let superuser = app.database.client().await;
    let contract = app.anonymous().get("/openapi.json").await.expect(200);
    let (mut commands, mut statements, mut requests) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (name, page) in pages() {
        for span in Commands::of(&page).spans {
            let first = span.split(' ').next().unwrap_or_default();
            match first {
                "comanda" if span != "comanda" => {
                    let output = shell.run(&span);
                    let said = String::from_utf8_lossy(&output.stderr);
                    // It may be refused, but not because there is no such command or option.
                    if said.contains("--help") || said.contains("not found") {
                        wrong.push(format!("{name}: {span}: {said}"));
                    }
                    commands += 1;
                }
                "SELECT" | "SHOW" | "VACUUM" => {
                    // For placeholders: an id, a process, a slot.
                    let statement = span.replace('…', &Uuid::nil().to_string()).replace("(pid)", "(0)");
                    let run = superuser.batch_execute(&statement).await;
                    // A slot that stands for another, and what is for a replica.
                    let is_known = |error: &tokio_postgres::Error| {
                        let messages = ["replication slot \"name\" does not exist", "recovery is not in progress"];
                        error.as_db_error().is_some_and(|error| messages.contains(&error.message()))
                    };
                    if run.as_ref().is_err_and(|error| !is_known(error)) {
                        wrong.push(format!("{name}: {span}: {run:?}"));
                    }
                    statements += 1;
                }
                "GET" | "POST" | "PUT" | "PATCH" | "DELETE" => {
                    let path = span.split(' ').nth(1).and_then(|path| path.split('?').next()).unwrap();
                    if !is_in(&contract, &first.to_lowercase(), path) {
                        wrong.push(format!("{name}: {span}"));
                    }
                    requests += 1;
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(commands >= 15 && statements >= 10 && requests >= 8, "{commands} {statements} {requests}");
}

/// Whether the contract has the request; a value may stand for a parameter.
fn is_in(contract: &Value, method: &str, path: &str) -> bool {
    let paths = contract["paths"].as_object().unwrap();
    paths.iter().filter(|(_, methods)| methods.get(method).is_some()).any(|(known, _)| {
        let (known, asked): (Vec<&str>, Vec<&str>) = (known.split('/').collect(), path.split('/').collect());
        known.len() == asked.len()
            && known.iter().zip(asked).all(|(known, asked)| known.starts_with('{') || *known == asked)
    })
}
