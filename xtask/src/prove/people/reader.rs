use rand::RngExt;

use crate::prove::person::{Call, Person};

/// A page that reads the menu of one server after the other.
pub struct Reader {
    person: Person,
    menu: Option<String>,
}

impl Reader {
    pub fn enter(person: Person) -> Self {
        Self { person, menu: None }
    }

    pub async fn work(mut self) {
        let mut server = self.person.server();
        while self.person.goes_on() {
            if self.person.one_in(20) {
                server = self.person.server();
            }
            let mut call = Call::get("/v1/menu");
            if !self.person.one_in(6) {
                call.tag.clone_from(&self.menu);
            }
            if let Some(answer) = self.person.ask_at(server, &call).await
                && answer.tag.is_some()
            {
                self.menu = answer.tag;
            }
            let pause = self.person.random.random_range(1..40);
            self.person.think(pause).await;
        }
    }
}
