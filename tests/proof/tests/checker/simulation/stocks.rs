use comanda_domain::Availability;
use comanda_proof::{
    Change, Counter, Digest, LedgerRow, MenuChange, MenuItemShown, MenuShown, Request, Shown, StockShown,
};
use rand::RngExt;

use super::{CUSTOMERS, STAFF, Shop, ok};

impl Shop<'_> {
    fn shown_item(&self, place: usize, for_staff: bool) -> MenuItemShown {
        let row = &self.tables.items[place];
        MenuItemShown {
            id: row.id,
            revision: row.revision,
            price: row.price,
            availability: Availability::InStock,
            stock: row.stock.filter(|_| for_staff),
            version: for_staff.then_some(row.version),
        }
    }

    pub(super) fn read_menu(&mut self) {
        let client = self.random.random_range(1..CUSTOMERS);
        let told = std::mem::replace(&mut self.menu_was_told, true);
        let items = (!told).then(|| (0..20).map(|place| self.shown_item(place, false)).collect());
        let menu = MenuShown { version: self.menu_version, text: Digest::of(&self.menu_version.to_be_bytes()), items };
        let record = self.call(client, Request::ReadMenu, ok(200, Shown::Menu(menu)));
        self.tell(record);
    }

    pub(super) fn edit_item(&mut self) {
        let place = self.random.random_range(0..20);
        let row = &mut self.tables.items[place];
        let (item, before) = (row.id, row.revision);
        row.revision += 1;
        row.version += 1;
        // A price that it never had before.
        row.price = 1000 + i64::from(row.revision) * 20 + i64::try_from(place).unwrap();
        let change = MenuChange { price: Some(row.price), ..MenuChange::default() };
        self.menu_version += 1;
        self.menu_was_told = false;
        let request = Request::EditItem { item, if_match: Some(before), change };
        let shown = Shown::Item(self.shown_item(place, true));
        let record = self.call(STAFF, request, ok(200, shown));
        self.tell_with_key(record);
    }

    fn some_stock(&mut self) -> (Counter, &mut u64, i64, u32) {
        match self.random.random_range(0..23_usize) {
            place @ 0..20 => {
                let row = &mut self.tables.items[place];
                (Counter::Item(row.id), &mut row.version, row.stock.unwrap(), row.revision)
            }
            place => {
                let row = &mut self.tables.supplies[place - 20];
                (Counter::Supply(row.id), &mut row.version, row.stock, row.revision)
            }
        }
    }

    pub(super) fn adjust(&mut self) {
        let quantity = self.random.random_range(1..60);
        let is_count = self.chance(30);
        let (of, version, before, revision) = self.some_stock();
        let stock = if is_count { quantity } else { before + quantity };
        let delta = stock - before;
        if delta != 0 {
            *version += 1;
        }
        let version = *version;
        match of {
            Counter::Item(id) => {
                self.tables.items.iter_mut().find(|row| row.id == id).unwrap().stock = Some(stock);
            }
            Counter::Supply(id) => {
                self.tables.supplies.iter_mut().find(|row| row.id == id).unwrap().stock = stock;
            }
        }
        let reason = format!("adjustment {}", self.sequence);
        if delta != 0 {
            self.tables.ledger.push(LedgerRow { of, delta, reason: reason.clone() });
        }
        let change = if is_count { Change::Counted(stock) } else { Change::Delta(delta) };
        let shown = Shown::Stock(StockShown { of, stock, version, revision });
        let record = self.call(STAFF, Request::AdjustStock { of, change, reason }, ok(200, shown));
        self.tell_with_key(record);
    }

    pub(super) fn read_stock(&mut self) {
        let (of, version, stock, revision) = self.some_stock();
        let version = *version;
        let (request, shown) = match of {
            Counter::Item(item) => {
                let place = self.tables.items.iter().position(|row| row.id == item).unwrap();
                (Request::ReadItem { item }, Shown::Item(self.shown_item(place, true)))
            }
            Counter::Supply(supply) => {
                (Request::ReadSupply { supply }, Shown::Stock(StockShown { of, stock, version, revision }))
            }
        };
        let record = self.call(STAFF, request, ok(200, shown));
        self.tell(record);
    }
}
