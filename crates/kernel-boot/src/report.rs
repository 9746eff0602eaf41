// SPDX-License-Identifier: MIT OR Apache-2.0

//! The report of the init, in KTAP, as it comes over the second serial line.

use serde::Serialize;

/// A step of the init.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Step {
    /// What was done: `boot RELEASE`, `load NAME`, `command`, `shell`, `unload NAME`.
    pub step: String,
    /// Whether it worked.
    pub ok: bool,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it did not work where nobody minds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// What the kernel logged meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// What the command printed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// What has come so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The steps that have come to a result.
    pub steps: Vec<Step>,
    /// The step that has begun and not ended.
    pub begun: Option<Step>,
    /// How many results there are to be, which stands last.
    planned: Option<usize>,
}

/// What a line was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// The kernel logged this.
    Log(&'a str),
    /// The command printed this.
    Output(&'a str),
    /// This step began.
    Begun(&'a str),
    /// A step ended.
    Ended,
    /// Anything else.
    Other,
}

impl Report {
    /// Takes in one more line.
    pub fn hear<'a>(&mut self, line: &'a str) -> Heard<'a> {
        let line = line.trim_end_matches(['\r', '\n']);
        if let Some(text) = line.strip_prefix("# kmsg: ") {
            self.current().log.push(text.to_owned());
            Heard::Log(text)
        } else if let Some(text) = line.strip_prefix("# out: ") {
            self.current().output.push(text.to_owned());
            Heard::Output(text)
        } else if let Some(step) = line.strip_prefix("# begin: ") {
            self.current().step = step.to_owned();
            Heard::Begun(step)
        } else if let Some(error) = line.strip_prefix("# ") {
            if let Some(step) = self.steps.last_mut() {
                step.error = Some(error.to_owned());
            }
            Heard::Other
        } else if let Some(count) = line.strip_prefix("1..") {
            self.planned = count.parse().ok();
            Heard::Other
        } else if let Some((ok, rest)) = line
            .strip_prefix("ok ")
            .map(|rest| (true, rest))
            .or_else(|| line.strip_prefix("not ok ").map(|rest| (false, rest)))
        {
            let mut step = self.begun.take().unwrap_or_default();
            step.ok = ok;
            let what = rest.split_once(' ').map_or(rest, |(_, step)| step);
            let (what, skipped) = match what.split_once(" # SKIP ") {
                Some((what, why)) => (what, Some(why)),
                None => (what, None),
            };
            step.step = what.to_owned();
            step.skipped = skipped.map(str::to_owned);
            self.steps.push(step);
            Heard::Ended
        } else {
            Heard::Other
        }
    }

    fn current(&mut self) -> &mut Step {
        self.begun.get_or_insert_default()
    }

    /// Whether it came to its end.
    pub fn is_whole(&self) -> bool {
        self.planned == Some(self.steps.len())
    }

    /// What the kernel logged in all steps.
    pub fn log(&self) -> impl Iterator<Item = &str> {
        let steps = self.steps.iter().chain(&self.begun);
        steps.flat_map(|step| step.log.iter().map(String::as_str))
    }

    /// The first step that did not work.
    pub fn failed(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !step.ok)
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.error {
            Some(error) => write!(out, "{}: {error}", self.step),
            None => write!(out, "{}", self.step),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> Report {
        let mut report = Report::default();
        for line in text.lines() {
            report.hear(line);
        }
        report
    }

    const GOOD: &str = "KTAP version 1\r\nok 1 boot 6.1.0\r\n# begin: load m\r\n\
        # kmsg: m: hello\r\nok 2 load m\r\n# begin: command\r\n# out: one\r\n# out: \r\n\
        ok 3 command\r\n# begin: unload m\r\n# kmsg: m: bye\r\nok 4 unload m\r\n1..4\r\n";

    #[test]
    fn each_step_has_what_came_in_it() {
        let report = heard(GOOD);
        assert!(report.is_whole() && report.failed().is_none() && report.begun.is_none());
        let steps: Vec<_> = report.steps.iter().map(|step| &*step.step).collect();
        assert_eq!(steps, ["boot 6.1.0", "load m", "command", "unload m"]);
        assert_eq!(report.steps[1].log, ["m: hello"]);
        assert_eq!(report.steps[2].output, ["one", ""]);
        assert_eq!(report.log().collect::<Vec<_>>(), ["m: hello", "m: bye"]);
    }

    #[test]
    fn a_refusal_has_its_reason() {
        let report = heard(
            "ok 1 boot 6.1.0\n# begin: load m\n# kmsg: m: version magic 'a' should be 'b'\n\
             not ok 2 load m\n# Exec format error (os error 8)\n1..2\n",
        );
        assert!(report.is_whole());
        let failed = report.failed().unwrap();
        assert_eq!(failed.to_string(), "load m: Exec format error (os error 8)");
        assert_eq!(failed.log, ["m: version magic 'a' should be 'b'"]);
    }

    #[test]
    fn what_is_skipped_has_not_failed() {
        let report = heard("ok 1 boot 6\nok 2 load m # SKIP No such device (os error 19)\n1..2\n");
        assert!(report.is_whole() && report.failed().is_none());
        assert_eq!(report.steps[1].step, "load m");
        let why = report.steps[1].skipped.as_deref();
        assert_eq!(why, Some("No such device (os error 19)"));
    }

    #[test]
    fn a_report_is_cut_off_wherever_it_ends() {
        let lines: Vec<_> = GOOD.lines().collect();
        for end in 0..lines.len() {
            let report = heard(&lines[..end].join("\n"));
            assert!(!report.is_whole(), "{end}");
        }
        let report = heard(&lines[..4].join("\n"));
        let begun = report.begun.unwrap();
        assert_eq!(
            (&*begun.step, &*begun.log),
            ("load m", &["m: hello".to_owned()][..])
        );
    }
}
