use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::Context;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A page of the guide, with what there is to run in it.
pub struct Chapter {
    pub path: PathBuf,
    pub examples: Vec<Example>,
    /// Code that nothing would run or compile.
    pub mistakes: Vec<String>,
}

/// Shell commands, and what the reader is told that they print.
pub struct Example {
    pub line: usize,
    pub commands: String,
    pub output: Option<String>,
}

impl Chapter {
    pub fn read(path: PathBuf) -> anyhow::Result<Self> {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut chapter = Self { path, examples: Vec::new(), mistakes: Vec::new() };
        let mut may_show_output = false;
        for (language, code, range) in code_blocks(&text) {
            let line = line_of(&text, range.start);
            let was_run = std::mem::replace(&mut may_show_output, language == "sh");
            match language.as_str() {
                "sh" => chapter.examples.push(Example { line, commands: code, output: None }),
                "json" | "text" if was_run => {
                    if let Some(example) = chapter.examples.last_mut() {
                        example.output = Some(code);
                    }
                }
                // What starts the server, or stands for what a reader does at home.
                "console" => {}
                // From programs that are compiled and run.
                _ if is_included(&code) => chapter.check_included(&code, line),
                _ => chapter.complain(line, &format!("nothing checks this block of `{language}`")),
            }
        }
        Ok(chapter)
    }

    fn check_included(&mut self, code: &str, line: usize) {
        for included in code.lines().filter_map(included) {
            let (file, anchor) = included.split_once(':').unwrap_or((included, ""));
            let path = self.path.parent().unwrap_or(Path::new("")).join(file);
            let found = fs::read_to_string(path).is_ok_and(|text| {
                anchor.is_empty() || text.lines().any(|line| line.trim().ends_with(&format!(" ANCHOR: {anchor}")))
            });
            if !found {
                self.complain(line, &format!("there is no {included}"));
            }
        }
    }

    fn complain(&mut self, line: usize, what: &str) {
        self.mistakes.push(format!("{}:{line}: {what}", self.path.display()));
    }
}

fn is_included(code: &str) -> bool {
    !code.trim().is_empty() && code.lines().all(|line| included(line).is_some())
}

/// What mdBook puts in the place of a line.
pub fn included(line: &str) -> Option<&str> {
    line.trim().strip_prefix("{{#include ")?.strip_suffix("}}").map(str::trim)
}

/// Language, content and place of each fenced block.
fn code_blocks(text: &str) -> Vec<(String, String, Range<usize>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                open = Some((language, String::new()));
            }
            Event::Text(text) => {
                if let Some((_, code)) = &mut open {
                    code.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                blocks.extend(open.take().map(|(language, code)| (language, code, range)));
            }
            _ => {}
        }
    }
    blocks
}

pub fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].lines().count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_blocks_have_their_language_and_place() {
        let text = "# Title\n\n```sh\ncurl a\n```\n\ntext `code`\n\n```json\n{}\n```\n";
        let blocks = code_blocks(text);
        let blocks =
            blocks.iter().map(|(language, code, range)| (language.as_str(), code.as_str(), line_of(text, range.start)));
        assert_eq!(blocks.collect::<Vec<_>>(), [("sh", "curl a\n", 3), ("json", "{}\n", 9)]);
    }

    #[test]
    fn code_that_is_included_is_nothing_else() {
        assert!(is_included("{{#include ../a.rs:place}}\n"));
        assert!(!is_included("{{#include ../a.rs:place}}\nlet more = 1;\n"));
        assert!(!is_included(""));
    }
}
