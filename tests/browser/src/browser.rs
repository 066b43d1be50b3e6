use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use thirtyfour::{ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver};
use uuid::Uuid;

use crate::{from_xtask, window::Window};

/// A driver of Chromium, and all windows that it has opened. All of it ends when this is dropped, also when a test
/// panics.
pub struct Browser {
    driver: Child,
    url: String,
    /// The profiles of its windows.
    folder: PathBuf,
}

/// How long a driver may take to start on a machine that is busy.
const START: Duration = Duration::from_mins(1);

impl Browser {
    pub fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("comanda-browser-{}", Uuid::now_v7().simple()));
        fs::create_dir(&folder).expect("a folder for profiles");
        // It is told to end should this process end without a word. `setpriv` is part of util-linux.
        let mut driver = Command::new("setpriv")
            .args(["--pdeathsig=TERM", &from_xtask("TEST_CHROMEDRIVER"), "--port=0", "--log-level=SEVERE"])
            // What Chromium keeps outside its profile ends with the test, too.
            .env("TMPDIR", &folder)
            .env("HOME", &folder)
            // The driver, and every Chromium of it: they are ended together.
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let output = driver.stdout.take().expect("a pipe");
        let (listening, port) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // "ChromeDriver was started successfully on port 12345."
                if let Some((_, port)) = line.split_once("successfully on port ") {
                    let _ = listening.send(port.trim_end_matches('.').to_owned());
                }
            }
        });
        let port = port.recv_timeout(START).expect("chromedriver says its port");
        Self { driver, url: format!("http://127.0.0.1:{port}"), folder }
    }

    /// A window of a browser that has never been used: with cookies and storage of its own. It is a Chromium of its
    /// own, too, so that what happens in one does not hold up another.
    pub async fn window(&self) -> Window {
        let mut chromium = DesiredCapabilities::chrome();
        chromium.set_binary(&from_xtask("TEST_CHROMIUM")).expect("a setting");
        let profile = self.folder.join(Uuid::now_v7().simple().to_string());
        let profile = format!("--user-data-dir={}", profile.display());
        for argument in [
            "--headless=new",
            // Tests run as root in containers, where there is no sandbox to be had.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-extensions",
            "--hide-scrollbars",
            "--force-color-profile=srgb",
            "--lang=en-GB",
            "--accept-lang=en-GB",
            &profile,
        ] {
            chromium.add_arg(argument).expect("a setting");
        }
        chromium.set_browser_log_level(LoggingPrefsLogLevel::All).expect("a setting");
        let driver = WebDriver::builder(&self.url, chromium).request_timeout(START).await;
        Window::new(driver.expect("Chromium starts")).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Ok(group) = self.driver.id().try_into() {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = self.driver.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
