// SPDX-License-Identifier: MIT OR Apache-2.0

//! The documentation of each series, read as a person would: in a browser, offline, from where it
//! is installed.

use std::{path::Path, process::Command};

use libtest_mimic::Failed;

use crate::lab::{Lab, says, text, trials};

trials![the_documentation_is_searched_and_its_links_lead_on];

/// What a browser has made of a page when its scripts are done.
struct Browser {
    profile: tempfile::TempDir,
}

impl Browser {
    fn dom(&self, page: &Path, query: &str) -> Result<String, Failed> {
        let output = Command::new("unshare")
            // Without any network: what is not in the package is not there.
            .args(["--net", "chromium"])
            .args(["--headless", "--no-sandbox", "--disable-gpu"])
            .args(["--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync"])
            .arg(format!("--user-data-dir={}", self.profile.path().display()))
            // Of the page's own clock, which stands still while scripts load.
            .args(["--virtual-time-budget=20000", "--dump-dom"])
            .arg(format!("file://{}{query}", page.display()))
            .output()?;
        assert!(output.status.success(), "{}", text(&output));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn the_documentation_is_searched_and_its_links_lead_on(lab: &Lab) -> Result<(), Failed> {
    let browser = Browser {
        profile: tempfile::tempdir()?,
    };
    for shop in lab.series()? {
        let pkgbase = shop.pkgbase();
        let docs = lab.unpacked(&shop.kernel(1)?.path, &format!("{pkgbase}-rustdoc"))?;
        let page = docs.join(format!("usr/share/doc/{pkgbase}/rustdoc/kernel/index.html"));
        let name = &shop.series.name;

        // pr_info is a macro of the kernel crate in every series.
        let found = results(&browser.dom(&page, "?search=pr_info")?);
        let link = "../kernel/macro.pr_info.html";
        assert!(found.iter().any(|found| found == link), "{name}: {found:?}");
        let target = page.parent().ok_or("a directory")?.join(link);
        says(&browser.dom(&target, "")?, &["pr_info", "<h1"]);

        // What is nowhere is not found: the search searches.
        let found = browser.dom(&page, "?search=no_such_thing_qqq")?;
        assert!(results(&found).is_empty(), "{name}");
        says(&found, &["No results"]);
    }
    Ok(())
}

/// Where the results of a search lead.
fn results(dom: &str) -> Vec<String> {
    dom.split("<a class=\"result-")
        .skip(1)
        .filter_map(|result| result.split_once("href=\"")?.1.split('"').next())
        .map(str::to_owned)
        .collect()
}
