use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::PathBuf,
};

use comanda_proof::{Folder, Outcome, Record, Request, Response, Shown, check_folder};

use crate::{simulation::Shop, story::told};

/// A run that is in files until it is dropped.
pub struct Recorded {
    pub path: PathBuf,
}

impl Recorded {
    pub fn run(seed: u64, calls: u64) -> Self {
        let path = std::env::temp_dir().join(format!("comanda-proof-{}-{seed}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let mut file = BufWriter::new(File::create(path.join(Folder::HISTORY)).unwrap());
        let mut shop = Shop::new(seed, |record| {
            serde_json::to_writer(&mut file, &record).unwrap();
            file.write_all(b"\n").unwrap();
        });
        shop.run(calls);
        let tables = File::create(path.join(Folder::TABLES)).unwrap();
        serde_json::to_writer(BufWriter::new(tables), &shop.tables).unwrap();
        Self { path }
    }

    fn history(&self) -> String {
        fs::read_to_string(self.path.join(Folder::HISTORY)).unwrap()
    }

    fn write_history(&self, history: &str) {
        fs::write(self.path.join(Folder::HISTORY), history).unwrap();
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[test]
fn what_was_recorded_is_read_as_it_was() {
    let recorded = Recorded::run(1, 2000);
    let history = recorded.history();
    for line in history.lines() {
        let record: Record = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
    }
    let findings = check_folder(&recorded.path).unwrap().findings;
    assert!(findings.is_empty(), "{}", told(&findings));

    // A version that the tables know nothing of.
    let mut records: Vec<Record> = history.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let read = records.iter_mut().find(|record| matches!(record.request, Request::ReadOrder { .. })).unwrap();
    let Outcome::Response(Response { shown: Shown::Order(order), .. }) = &mut read.outcome else { unreachable!() };
    order.version = 99;
    let read = read.clone();
    let lines: Vec<String> = records.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
    recorded.write_history(&lines.join("\n"));
    let findings = check_folder(&recorded.path).unwrap().findings;
    assert!(findings.iter().any(|finding| finding.records.contains(&read)), "{}", told(&findings));
}

#[test]
fn a_line_that_is_cut_off_is_an_error_that_names_it() {
    let recorded = Recorded::run(2, 100);
    let history = recorded.history();
    recorded.write_history(&history[..history.len() - 10]);
    let error = format!("{:#}", check_folder(&recorded.path).unwrap_err());
    let last = history.lines().count();
    assert!(error.contains(&format!("history.jsonl, line {last}")), "{error}");
}

#[test]
fn the_record_that_the_documentation_shows_is_one() {
    let page = include_str!("../../../../docs/proof.md");
    let (_, from) = page.split_once("```json").unwrap();
    let (record, _) = from.split_once("```").unwrap();
    let record: Record = serde_json::from_str(record).unwrap();
    assert!(matches!(record.shown(), Shown::Order(order) if order.lines.is_some()));
}
