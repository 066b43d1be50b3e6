//! `cargo xtask clients`: whether clients that are generated from `openapi.json` compile and work.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;

use crate::{
    cargo::cargo,
    comanda::request,
    interrupt, openapi,
    process::{Process, output_of, succeed},
    project,
    services::{free_port, node, node_packages, python_with},
    shop::{Shop, directly},
};

/// Signs the events of a server that nobody else gets.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A program of `clients/`, ready to run.
struct Program {
    language: &'static str,
    command: Command,
}

/// Generates a client in each language, checks the types of the program that uses it, and has each order from a server
/// of its own.
pub fn run() -> anyhow::Result<ExitCode> {
    interrupt::watch()?;
    let (python, mut receiver) = python()?;
    let programs = [python, typescript()?, rust()?];
    let port = free_port()?.to_string();
    let url = format!("clients=http://127.0.0.1:{port}/");
    let webhooks = [("WEBHOOK_URLS", url.as_str()), ("WEBHOOK_SECRET", SECRET)];
    let shop = Shop::open("clients", &[&webhooks[..], &[("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")]].concat())?;
    let printed_events = target("python").join("received");
    receiver.env("PORT", &port).env("WEBHOOK_SECRET", SECRET).stdout(File::create(&printed_events)?);
    let mut receiver = Process::start("the receiver of webhooks", receiver, Signal::SIGTERM)?;
    for program in programs {
        interrupt::check()?;
        let number = program.order(&shop)?;
        wait_for_events(&number, &printed_events, &mut receiver)?;
    }
    refuse_forged(&port)?;
    println!("Three generated clients have ordered, seen what is short, and followed their orders");
    Ok(ExitCode::SUCCESS)
}

/// What orders, and what receives webhooks.
fn python() -> anyhow::Result<(Program, Command)> {
    const FILES: [&str; 2] = ["order.py", "receive.py"];
    let folder = copy("python", &FILES)?;
    let locked = fs::read_to_string(source("python").join("requirements.txt"))?;
    let locked: Vec<&str> = locked.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let python = python_with(&folder.join("venv"), &locked)?;
    openapi::generate_python(&python, &folder.join("comanda_client"))?;
    // The generated code is typed, but not as strictly as ours.
    let strictly = ["-m", "mypy", "--strict", "--warn-unreachable", "--follow-imports=silent"];
    succeed(Command::new(&python).args(strictly).args(FILES).current_dir(&folder))
        .context("the programs in clients/python do not fit the generated client")?;
    let [order, receive] = FILES.map(|file| {
        let mut command = Command::new(&python);
        command.arg(file).current_dir(&folder);
        command
    });
    Ok((Program { language: "Python", command: order }, receive))
}

fn typescript() -> anyhow::Result<Program> {
    let folder = copy("typescript", &["order.ts", "tsconfig.json"])?;
    node_packages(&source("typescript"), &folder)?;
    let node = node()?;
    let tool = |script: &str| {
        let mut command = Command::new(&node);
        command.arg(folder.join("node_modules").join(script)).current_dir(&folder);
        command
    };
    succeed(tool("openapi-typescript/bin/cli.js").arg(openapi::document()).args(["--output", "comanda.d.ts"]))
        .context("no types can be generated from openapi.json")?;
    succeed(&mut tool("typescript/bin/tsc")).context("clients/typescript/order.ts does not fit the generated types")?;
    let mut command = Command::new(&node);
    command.arg("build/order.js").current_dir(&folder);
    Ok(Program { language: "TypeScript", command })
}

/// A package of its own, outside the workspace: whoever builds the server needs neither the generator nor the client.
fn rust() -> anyhow::Result<Program> {
    let (manifest, target) = (source("rust").join("Cargo.toml"), target("rust"));
    let mut build = cargo();
    build.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(manifest).arg("--target-dir").arg(&target);
    succeed(&mut build).context("clients/rust does not compile with the generated client")?;
    Ok(Program { language: "Rust", command: Command::new(target.join("debug/order")) })
}

impl Program {
    /// Returns the number of the order.
    fn order(mut self, shop: &Shop) -> anyhow::Result<String> {
        let language = self.language;
        let (email, password) = (format!("{}@example.org", language.to_lowercase()), "three short words");
        shop.register(language, &email, password)?;
        let settings = [
            ("COMANDA_URL", format!("http://{}", shop.address())),
            ("COMANDA_EMAIL", email),
            ("COMANDA_PASSWORD", password.to_owned()),
        ];
        let printed = output_of(directly(self.command.envs(settings)))
            .with_context(|| format!("the client in {language} does not work"))?;
        println!("{language}:\n{printed}");

        let number = printed.lines().find_map(|line| line.strip_prefix("Ordered ")?.split(' ').next());
        let number = number.unwrap_or_default().to_owned();
        let expected = expected(language, &number, &shop.menu_item("Carpaccio di Manzo")?);
        if printed.lines().ne(expected.lines()) {
            bail!("the client in {language} was expected to print:\n{expected}");
        }
        Ok(number)
    }
}

/// What each program prints: 44 menu items are three pages, and the pizza for 9.50 has mozzarella for 1.50 twice.
fn expected(name: &str, number: &str, carpaccio: &str) -> String {
    format!(
        "Signed in as {name}\nThe menu has 44 items\nOrdered {number} for 12.50 EUR\n\
         Short: 18 left of 100 of {carpaccio}\n{number} is pending\n{number} is cancelled"
    )
}

/// Waits until the receiver has printed what happened to an order.
fn wait_for_events(number: &str, printed_events: &Path, receiver: &mut Process) -> anyhow::Result<()> {
    let expected = [format!("{number} was placed: ['Pizza Margherita']"), format!("{number} is now cancelled")];
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let printed = fs::read_to_string(printed_events)?;
        let of_order = printed.lines().filter(|line| line.starts_with(number));
        if of_order.eq(expected.iter()) {
            return Ok(());
        }
        receiver.ensure_alive()?;
        if Instant::now() > deadline {
            bail!("the receiver of webhooks was expected to print {expected:?}, but has printed:\n{printed}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// An event that nobody signed.
fn refuse_forged(port: &str) -> anyhow::Result<()> {
    let (status, _) = request(&format!("127.0.0.1:{port}"), "POST", "/", &[], r#"{"type":"order.placed"}"#)?;
    if status != 401 {
        bail!("the receiver of webhooks responds to an event without a signature with {status}");
    }
    Ok(())
}

/// Copies files of a client to where what is generated goes, too: nothing of that gets into the source.
fn copy(client: &str, files: &[&str]) -> anyhow::Result<PathBuf> {
    let (source, target) = (source(client), target(client));
    fs::create_dir_all(&target)?;
    for file in files {
        fs::copy(source.join(file), target.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    Ok(target)
}

fn source(client: &str) -> PathBuf {
    project::root().join("clients").join(client)
}

fn target(client: &str) -> PathBuf {
    project::root().join("target/clients").join(client)
}
