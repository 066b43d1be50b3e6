//! Looking at a state of a page.

use comanda_browser_tests::Window;

/// What is looked at, and how.
pub(crate) struct Look<'a> {
    pub(crate) window: &'a Window,
    pub(crate) page: &'static str,
    pub(crate) language: &'static str,
    pub(crate) dark: bool,
    pub(crate) pictures: bool,
}

impl Look<'_> {
    /// Nothing keeps people out, everything fits, and there is a picture.
    pub(crate) async fn at(&self, state: &str) {
        let name = format!("{}-{state}", self.page);
        let state = format!("{name}, {}, dark: {}", self.language, self.dark);
        self.window.assert_accessible(&state).await;
        if self.pictures {
            self.window.take_screenshots(&name).await;
        }
        self.window.resize(360).await;
        self.window.assert_accessible(&format!("{state}, narrow")).await;
        self.window.assert_fits(&state).await;
        self.window.resize(1280).await;
    }

    pub(crate) async fn open(&self, base_url: &str, path: &str) {
        self.window.set_dark(self.dark).await;
        self.window.open(&format!("{base_url}{path}?lang={}", self.language)).await;
    }
}
