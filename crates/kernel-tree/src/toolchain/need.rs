// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which rustc a kernel needs, and whether another one does.

use std::cmp::Ordering;
use std::path::PathBuf;

use super::version::{compare, number, rustup_toolchain};
use crate::kdir::Kdir;
use crate::too_new::{self, Limit};

/// What a kernel demands of rustc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Exactly this version string: the crates are there, and only it can read them.
    Exactly {
        /// The version string.
        rustc: String,
        /// The file that says so.
        from: PathBuf,
    },
    /// The crates are not there, but the kernel was configured with this one.
    ConfiguredWith {
        /// The version string.
        rustc: String,
        /// The configuration.
        from: PathBuf,
    },
    /// The crates are still to be built, by this version or a newer one.
    AtLeast {
        /// The version, three numbers.
        version: String,
        /// Whether the series was made for that one version alone, as before 6.11.
        only: bool,
        /// What newer rustcs changed and this tree does not know, the oldest first.
        too_new: Vec<Limit>,
    },
}

/// How a rustc does for a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It is the right one.
    Fits,
    /// It is older than the tree needs.
    TooOld,
    /// It is newer than the series was made for, where that is one version alone.
    TooNew,
    /// It changed something that the tree does not know.
    Breaks(Limit),
    /// The tree needs another one, by its full version string.
    Another,
}

impl Need {
    /// The version string that a rustc must have, where no other one does.
    pub fn exact(&self) -> Option<&str> {
        match self {
            Self::Exactly { rustc, .. } | Self::ConfiguredWith { rustc, .. } => Some(rustc),
            Self::AtLeast { .. } => None,
        }
    }

    /// The toolchain of rustup's that does, if it has one.
    pub fn rustup_toolchain(&self) -> Option<String> {
        match self {
            Self::AtLeast { version, .. } => Some(version.clone()),
            Self::Exactly { rustc, .. } | Self::ConfiguredWith { rustc, .. } => {
                rustup_toolchain(rustc)
            }
        }
    }

    /// Whether a rustc with this version string can build for the tree.
    pub fn fit(&self, rustc: &str) -> Fit {
        match self {
            Self::Exactly { rustc: wanted, .. } | Self::ConfiguredWith { rustc: wanted, .. } => {
                match wanted == rustc {
                    true => Fit::Fits,
                    false => Fit::Another,
                }
            }
            Self::AtLeast {
                version,
                only,
                too_new,
            } => {
                let number = number(rustc).unwrap_or_default();
                let breaks = too_new
                    .iter()
                    .find(|limit| compare(number, limit.first).is_ge());
                match (compare(number, version), breaks) {
                    (Ordering::Less, _) => Fit::TooOld,
                    (_, Some(limit)) => Fit::Breaks(limit.clone()),
                    (Ordering::Greater, None) if *only => Fit::TooNew,
                    _ => Fit::Fits,
                }
            }
        }
    }
}

/// What rustc this tree needs; `None` for a kernel without Rust.
pub fn need(kdir: &Kdir) -> Option<Need> {
    if let Some((name, rmeta)) = kdir.crate_for_rustc() {
        let from = kdir.path.join(format!("rust/lib{name}.rmeta"));
        return Some(Need::Exactly {
            rustc: rmeta.rustc.clone(),
            from,
        });
    }
    if kdir.config.is_y("RUST")
        && let Some(text) = kdir.config.get("RUSTC_VERSION_TEXT")
        && text.starts_with("rustc ")
    {
        let from = kdir.config_path.clone();
        return Some(Need::ConfiguredWith {
            rustc: text.to_string(),
            from,
        });
    }
    let version = kdir.minimum_version("rustc")?;
    let only = kdir.series().is_some_and(|series| series < (6, 11));
    Some(Need::AtLeast {
        version,
        only,
        too_new: too_new::limits(kdir),
    })
}
