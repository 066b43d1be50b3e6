use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use thirtyfour::{By, Key, TypingData, WebDriver, WindowHandle, cdp::Cdp, session::handle::SessionHandle};

use crate::{from_xtask, screenshots};

/// How long a page may take for anything, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long to wait before asking a page again.
const PAUSE: Duration = Duration::from_millis(25);

/// A window of a browser.
pub struct Window {
    driver: Arc<SessionHandle>,
    devtools: Cdp,
}

impl Window {
    pub(crate) async fn new(driver: WebDriver) -> Self {
        let handle = Arc::clone(driver.handle());
        // Its browser ends it. The client itself would wait for the end of each window, also in the middle of a panic.
        driver.leak().expect("a window that is open");
        let window = Self { devtools: Cdp::new(Arc::clone(&handle)), driver: handle };
        window.resize(1280).await;
        window.set_dark(false).await;
        window
    }

    /// Sets the width of the page, in CSS pixels: a phone's has another height than a screen's.
    pub async fn resize(&self, width: u32) {
        let height = if width < 600 { 740 } else { 900 };
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 }),
        )
        .await;
    }

    /// Whether people have asked their system for dark colours.
    pub async fn set_dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            // A page that is still on its way is nothing to click on, and no picture.
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Switches the scripts of pages on and off.
    pub async fn set_scripts(&self, run: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": !run })).await;
    }

    async fn devtools(&self, method: &str, parameters: Value) -> Value {
        let answer = self.devtools.send_raw(method, parameters).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Opens an address, and waits until all that the page loads at first is there.
    pub async fn open(&self, address: &str) {
        self.driver.goto(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
    }

    /// The tab that the window shows.
    pub async fn tab(&self) -> WindowHandle {
        self.driver.window().await.expect("a tab")
    }

    /// Opens one more tab, of the same cookies and storage, and goes on there.
    pub async fn open_tab(&self) -> WindowHandle {
        let tab = self.driver.new_tab().await.expect("one more tab");
        self.switch_to(&tab).await;
        self.resize(1280).await;
        self.set_dark(false).await;
        tab
    }

    /// Goes on in another tab.
    pub async fn switch_to(&self, tab: &WindowHandle) {
        self.driver.switch_to_window(tab.clone()).await.expect("a tab that is open");
    }

    pub async fn reload(&self) {
        self.driver.refresh().await.expect("the page again");
    }

    /// What an expression of JavaScript is on the page.
    pub async fn value(&self, expression: &str) -> Value {
        self.try_value(expression).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    async fn try_value(&self, expression: &str) -> Result<Value, String> {
        let value = self.driver.execute(format!("return {expression};"), Vec::new()).await;
        value.map(|value| value.json().clone()).map_err(|error| error.to_string())
    }

    /// Waits until an expression of JavaScript holds on the page.
    pub async fn until(&self, expression: &str) -> Value {
        self.until_within(PATIENCE, expression).await
    }

    /// The same, with a limit that is a promise to people.
    pub async fn until_within(&self, limit: Duration, expression: &str) -> Value {
        let begun = Instant::now();
        loop {
            // While a page is being replaced, there is nobody to ask.
            let value = self.try_value(expression).await;
            match value {
                Ok(value) if holds(&value) => return value,
                _ if begun.elapsed() < limit => tokio::time::sleep(PAUSE).await,
                other => {
                    self.picture("failed", screenshots::save_failed).await;
                    panic!("not within {limit:?}: {expression}\nbut {other:?}\n{}", self.shown().await)
                }
            }
        }
    }

    /// Waits until what a selector finds is visible, and returns its text.
    pub async fn see(&self, selector: &str) -> String {
        self.until(&is_visible(selector)).await;
        self.text(selector).await
    }

    /// Waits until the text of what a selector finds contains this.
    pub async fn see_text(&self, selector: &str, words: &str) {
        let shown = format!("document.querySelector({})?.innerText.includes({})", quoted(selector), quoted(words));
        self.until(&shown).await;
    }

    /// Waits until what a selector finds is hidden, or gone.
    pub async fn see_no(&self, selector: &str) {
        self.until(&format!("!{}", is_visible(selector))).await;
    }

    /// The text that people see of what a selector finds.
    pub async fn text(&self, selector: &str) -> String {
        let text = self.value(&format!("document.querySelector({})?.innerText ?? ''", quoted(selector))).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Clicks on what a selector finds, as soon as it is there and can be clicked.
    pub async fn click(&self, selector: &str) {
        self.see(selector).await;
        self.until(&format!(
            "((found) => !found.disabled && found.ariaDisabled !== 'true')(document.querySelector({}))",
            quoted(selector)
        ))
        .await;
        self.click_anyway(selector).await;
    }

    /// Clicks on what a selector finds, also where the page does nothing then.
    pub async fn click_anyway(&self, selector: &str) {
        let begun = Instant::now();
        loop {
            // A page may put another element in its place between the two steps.
            let clicked = match self.driver.find(By::Css(selector)).await {
                Ok(element) => {
                    // As people do, to where no bar is before it.
                    let centre = format!(
                        "document.querySelector({})?.scrollIntoView({{ block: 'center', behavior: 'instant' }})",
                        quoted(selector)
                    );
                    let _ = self.try_value(&centre).await;
                    element.click().await
                }
                Err(error) => Err(error),
            };
            match clicked {
                Ok(()) => return,
                Err(_) if begun.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                Err(error) => panic!("{selector}: {error}\n{}", self.shown().await),
            }
        }
    }

    /// Types into a field, in the place of what was there. One that was emptied before would have changed twice.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.see(selector).await;
        let field = self.driver.find(By::Css(selector)).await.expect("the field");
        field.send_keys(Key::Control + "a").await.expect("a field that takes keys");
        field.send_keys(text).await.expect("a field that takes keys");
    }

    /// Presses keys, wherever the focus is.
    pub async fn press(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.expect("keys");
    }

    /// Goes on with the Tab key until the focus is on what a selector finds, which then is to be seen.
    pub async fn tab_to(&self, selector: &str) {
        let mut passed = Vec::new();
        for _ in 0..100 {
            self.press(Key::Tab).await;
            let focused = format!("document.activeElement?.matches({})", quoted(selector));
            if holds(&self.value(&focused).await) {
                let hidden = self.value(WHAT_HIDES_THE_FOCUS).await;
                assert_eq!(hidden, Value::Null, "before {selector}, which has the focus");
                return;
            }
            passed.push(self.value("document.activeElement?.outerHTML.slice(0, 80)").await);
        }
        panic!("the Tab key never comes to {selector}, but to {passed:#?}");
    }

    /// Looks for what keeps people out: on all of the page, by the rules of WCAG 2.2 AA and what else is good practice.
    pub async fn assert_accessible(&self, state: &str) {
        let axe = std::fs::read_to_string(from_xtask("TEST_AXE")).expect("axe-core");
        self.driver.execute(axe, Vec::new()).await.expect("axe-core runs");
        let run = r"
            const done = arguments[arguments.length - 1];
            const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
            axe.run({ runOnly: rules, resultTypes: ['violations'] }).then(
                ({ violations, passes }) => done({ checked: passes.length, violations: violations.map((violation) => [
                    violation.id, violation.help,
                    ...violation.nodes.map((node) => `${node.target.join(' ')}: ${node.failureSummary}`),
                ]) }),
                (error) => done({ error: String(error) }));";
        let found = self.driver.execute_async(run, Vec::new()).await.expect("axe-core ends");
        let found = found.json();
        let checked = found["checked"].as_u64().unwrap_or_default();
        assert!(checked > 10 && found["violations"] == json!([]), "{state}: {found:#}");
    }

    /// Nothing is wider than the window: nobody has to scroll to both sides.
    pub async fn assert_fits(&self, state: &str) {
        let wider = self.value("document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
        assert_eq!(wider, json!(0), "{state}: pixels beside the window");
    }

    /// The browser has refused nothing that a page tried to load or to run, and no script has failed. A request that
    /// was refused or lost is no fault of the page.
    pub async fn assert_no_errors(&self) {
        let log = self.driver.browser_log().await.expect("the browser's log");
        let faults: Vec<_> = log
            .into_iter()
            .filter(|entry| entry.level == "SEVERE" || entry.source.as_deref() == Some("security"))
            .filter(|entry| entry.source.as_deref() != Some("network"))
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }

    /// What people see, for the message of a failed test.
    async fn shown(&self) -> String {
        let text = self.try_value("document.body.innerText").await.unwrap_or_else(|error| json!(error));
        let log = self.driver.browser_log().await.unwrap_or_default();
        let log: Vec<_> = log.into_iter().map(|entry| entry.message).collect();
        format!("the page shows:\n{}\nand the browser says:\n{}", text.as_str().unwrap_or_default(), log.join("\n"))
    }

    /// Takes a picture of the window at each width that the pages are made for.
    pub async fn take_screenshots(&self, name: &str) {
        for width in [360, 768, 1280] {
            self.resize(width).await;
            self.assert_fits(name).await;
            self.picture(&format!("{name}-{width}"), screenshots::save).await;
        }
    }

    async fn picture(&self, name: &str, save: fn(&str, &[u8]) -> io::Result<()>) {
        let picture = self.driver.screenshot_as_png().await.expect("a picture");
        save(name, &picture).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// What is before the middle of what has the focus, if anything is.
const WHAT_HIDES_THE_FOCUS: &str = "((focused) => {
    const { x, y, width, height } = focused.getBoundingClientRect();
    const first = document.elementFromPoint(x + width / 2, y + height / 2);
    return focused.contains(first) || first?.contains(focused) ? null : first?.outerHTML.slice(0, 200) ?? 'the edge';
})(document.activeElement)";

fn is_visible(selector: &str) -> String {
    format!("document.querySelector({})?.checkVisibility({{ visibilityProperty: true }})", quoted(selector))
}

/// As JavaScript takes `if`.
fn holds(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// A text in JavaScript.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
