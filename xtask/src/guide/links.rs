//! Links that lead nowhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::chapter::{included, line_of};
use crate::{process::output_of, project};

/// A Markdown file.
struct Page {
    path: PathBuf,
    links: Vec<Link>,
    /// What a `#fragment` can name.
    headings: BTreeSet<String>,
}

struct Link {
    line: usize,
    target: String,
}

/// Every relative link of the repository's pages to a file or a heading that is not there; and links of the guide that
/// lead nowhere once it is a book.
pub fn dead(guide: &Path) -> anyhow::Result<Vec<String>> {
    let listed = output_of(
        std::process::Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"])
            .current_dir(project::root()),
    )?;
    let paths = listed.split_terminator('\0').map(|path| project::root().join(path)).filter(|path| path.exists());
    let pages = paths.map(|path| Ok((path.canonicalize()?, Page::read(path)?)));
    let pages: BTreeMap<PathBuf, Page> = pages.collect::<anyhow::Result<_>>()?;
    let mut mistakes = Vec::new();
    for page in pages.values() {
        for Link { line, target } in &page.links {
            if let Err(mistake) = follow(page, target, &pages, guide) {
                mistakes.push(format!("{}:{line}: {target}: {mistake}", page.path.display()));
            }
        }
    }
    Ok(mistakes)
}

/// The links of a text, as they are written.
pub fn targets(text: &str) -> impl Iterator<Item = String> {
    links(text).into_iter().map(|link| link.target)
}

fn follow(page: &Page, target: &str, pages: &BTreeMap<PathBuf, Page>, guide: &Path) -> Result<(), &'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => page.path.clone(),
        _ => page.path.parent().unwrap_or(Path::new("")).join(file),
    };
    let path = path.canonicalize().map_err(|_| "there is no such file")?;
    if !path.starts_with(project::root()) {
        return Err("this is outside the repository");
    }
    // mdBook copies nothing from elsewhere, and makes `.html` of any page.
    if page.path.starts_with(guide) && !path.starts_with(guide) {
        return Err("a page of the book cannot link to what is not in it");
    }
    if !heading.is_empty() && !pages.get(&path).is_some_and(|page| page.headings.contains(heading)) {
        return Err("there is no such heading");
    }
    Ok(())
}

impl Page {
    fn read(path: PathBuf) -> anyhow::Result<Self> {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = with_pages(&text, &path)?;
        Ok(Self { path, links: links(&text), headings: headings(&text) })
    }
}

/// With other pages where they are included: their links count from here, and lines are theirs.
fn with_pages(text: &str, path: &Path) -> anyhow::Result<String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let lines = text.split_inclusive('\n').map(|line| match included(line) {
        Some(page) if Path::new(page).extension().is_some_and(|extension| extension == "md") => {
            fs::read_to_string(folder.join(page)).with_context(|| format!("{} includes {page}", path.display()))
        }
        _ => Ok(line.to_owned()),
    });
    lines.collect()
}

fn links(text: &str) -> Vec<Link> {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES).into_offset_iter();
    events
        .filter_map(|(event, range)| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some(Link { line: line_of(text, range.start), target: dest_url.to_string() })
            }
            _ => None,
        })
        .collect()
}

/// As mdBook and GitHub name them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => open = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut open {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let name = open.take().map(|heading| slug(&heading)).unwrap_or_default();
                let numbered = (1..).map(|number| format!("{name}-{number}"));
                names.extend([name.clone()].into_iter().chain(numbered).find(|name| !names.contains(name)));
            }
            _ => {}
        }
    }
    names
}

fn slug(heading: &str) -> String {
    heading
        .chars()
        .filter_map(|character| match character {
            _ if character.is_alphanumeric() || matches!(character, '_' | '-') => Some(character.to_ascii_lowercase()),
            _ if character.is_whitespace() => Some('-'),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_named_as_in_a_browser() {
        let text = "# `If-Match`, and more\n\n## Again\n\ntext\n\n## Again\n";
        assert_eq!(headings(text).into_iter().collect::<Vec<_>>(), ["again", "again-1", "if-match-and-more"]);
    }

    #[test]
    fn links_to_nothing_are_found() {
        let page = |path: &str, text: &str| Page {
            path: project::root().join(path),
            links: links(text),
            headings: headings(text),
        };
        let guide = project::root().join("docs/guide/src");
        let readme = page("README.md", "# Comanda\n\n## Run it\n");
        let pages = BTreeMap::from([(readme.path.canonicalize().unwrap(), readme)]);
        let security = page("docs/security.md", "");
        let follow = |target| follow(&security, target, &pages, &guide);
        assert_eq!(follow("../README.md#run-it"), Ok(()));
        assert_eq!(follow("https://example.org/nothing"), Ok(()));
        assert!(follow("../README.md#run").is_err());
        assert!(follow("../README").is_err());
        assert!(follow("../../..").is_err());
        let first = page("docs/guide/src/SUMMARY.md", "");
        let follow = |target| super::follow(&first, target, &pages, &guide);
        assert_eq!(follow("introduction.md"), Ok(()));
        for outside in ["../../../README.md", "../../../clients/python/order.py", "../book.toml"] {
            assert!(follow(outside).is_err(), "{outside}");
        }
    }

    #[test]
    fn links_of_a_page_count_where_it_is_included() {
        let path = project::root().join("docs/guide/src/events.md");
        let page = Page::read(path).unwrap();
        assert!(page.headings.contains("event-streams"));
        assert!(page.links.iter().any(|link| link.target == "deprecation.md"));
        assert!(with_pages("{{#include nowhere.md}}\n", &page.path).is_err());
        assert_eq!(with_pages("{{#include nowhere.rs}}\n", &page.path).unwrap(), "{{#include nowhere.rs}}\n");
    }
}
