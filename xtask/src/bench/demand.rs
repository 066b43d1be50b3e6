use rand::RngExt;

/// How many menu items there are to choose from.
pub const ITEMS: usize = 1000;

/// From which menu items each line of an order takes its own: of so many, the numbers from and to, both included.
#[derive(Clone)]
pub struct Demand {
    lines: Vec<(usize, usize)>,
}

impl Demand {
    /// Three lines, each from a third of the menu.
    pub fn spread() -> Self {
        Self::new(ITEMS, 3)
    }

    /// The same, but the first is the same in every order.
    pub fn hot() -> Self {
        Self::new(1, 3)
    }

    /// The menu in as many equal parts as there are lines; of the first, this many items at most.
    pub fn new(dishes: usize, lines: usize) -> Self {
        let width = ITEMS / lines;
        let part = |n: usize| (n * width, n * width + if n == 0 { dishes.min(width) } else { width } - 1);
        Self { lines: (0..lines).map(part).collect() }
    }

    /// Of an order.
    pub fn draw(&self) -> impl Iterator<Item = usize> {
        let mut random = rand::rng();
        self.lines.iter().map(move |&(from, to)| random.random_range(from..=to))
    }

    /// As a script for pgbench, whose items count from 1.
    pub fn script(&self, template: &str) -> String {
        let names = || (0..self.lines.len()).map(|n| format!("item_{n}"));
        let draws =
            names().zip(&self.lines).map(|(n, (from, to))| format!("\\set {n} random({}, {})\n", from + 1, to + 1));
        let items = names().map(|n| format!("('00000000-0000-7000-8001-' || lpad(:{n}::text, 12, '0'))::uuid"));
        let items = items.collect::<Vec<_>>().join(",\n            ");
        template.replace("{draws}", &draws.collect::<String>()).replace("{items}", &items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_drawn_from_parts_of_the_menu() {
        for (demand, parts) in [
            (Demand::spread(), vec![0..333, 333..666, 666..999]),
            (Demand::hot(), vec![0..1, 333..666, 666..999]),
            (Demand::new(10, 1), std::iter::once(0..10).collect()),
        ] {
            let drawn: Vec<usize> = demand.draw().collect();
            assert_eq!(drawn.len(), parts.len());
            assert!(drawn.iter().zip(&parts).all(|(item, part)| part.contains(item)), "{drawn:?} of {parts:?}");
        }
    }

    #[test]
    fn pgbench_draws_from_the_same_parts_counted_from_one() {
        let script = Demand::new(1, 2).script("{draws}\nSELECT {items};");
        assert_eq!(
            script,
            "\\set item_0 random(1, 1)\n\\set item_1 random(501, 1000)\n\n\
             SELECT ('00000000-0000-7000-8001-' || lpad(:item_0::text, 12, '0'))::uuid,\n            \
             ('00000000-0000-7000-8001-' || lpad(:item_1::text, 12, '0'))::uuid;"
        );
    }
}
