// SPDX-License-Identifier: MIT OR Apache-2.0

//! An explanation in words.

use std::io::{self, Write};

use super::{Explained, Explanation, Line};
use crate::report::{Finding, Status, Writer, counted};

/// How much of a line is shown, in characters.
const WIDTH: usize = 300;

/// Writes what a log means. `name` is what the log is called.
pub fn write(out: &mut dyn Write, name: &str, found: &Explanation) -> io::Result<()> {
    let told: Vec<_> = found.findings.iter().map(Explained::told).collect();
    Writer::default().findings(out, &told)?;
    if found.left_out > 0 {
        writeln!(
            out,
            "and {} of findings as above",
            counted(size(found.left_out), "more line")
        )?;
    }
    if !found.has_failure() {
        writeln!(
            out,
            "no failure in the {} of {name}",
            counted(size(found.lines), "line")
        )?;
    }
    Ok(())
}

impl Explained {
    /// The finding, with the lines that show it and what follows from it in its notes.
    pub fn told(&self) -> Finding {
        let mut finding = self.finding.clone();
        let says = self.says.iter().map(shown);
        let says: Vec<_> = match finding.status {
            Status::Ok => says.take(1).collect(),
            _ => says.collect(),
        };
        let mut notes = vec![match says.as_slice() {
            [one] => format!("the log says: {one}"),
            many => format!("the log says:\n{}", many.join("\n")),
        }];
        if self.count > 1 {
            notes.push(format!("and so on, {} times in all", self.count));
        }
        notes.append(&mut finding.notes);
        if self.follow_count > 0 {
            let mut text = format!(
                "this follows from it, in {}:",
                counted(size(self.follow_count), "place")
            );
            for line in self.follows.iter().take(5) {
                text += &format!("\n{}: {}", line.number, shown(line));
            }
            if self.follow_count > 5 {
                text += &format!("\nand {} more", self.follow_count - 5);
            }
            notes.push(text);
        }
        finding.notes = notes;
        finding
    }
}

fn shown(line: &Line) -> String {
    line.text.chars().take(WIDTH).collect()
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
