// SPDX-License-Identifier: MIT OR Apache-2.0

//! The guest's root: the init, the modules, the plan. Not compressed: it is read once, from memory.

use std::io::{self, Write};

use cpio::newc;

use crate::plan::Module;
use crate::userland::Userland;

/// What the guest does once the modules are loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Task {
    /// Nothing more.
    #[default]
    None,
    /// This, as `sh -c` runs it.
    Command(String),
    /// What somebody types.
    Shell,
}

/// What is put into it.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The init's program.
    pub init: &'a [u8],
    /// The modules, in the order to load them.
    pub modules: &'a [Module],
    /// A static busybox, when there is something to run.
    pub busybox: Option<&'a [u8]>,
    /// What to do.
    pub task: &'a Task,
    /// What becomes the root instead.
    pub userland: Option<&'a Userland>,
}

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const FILE: u32 = 0o100_644;
const DEVICE: u32 = 0o020_600;

impl Contents<'_> {
    /// Writes the archive.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut archive = Archive(out);
        for directory in ["dev", "plan", "modules", "bin", "tmp"] {
            archive.add(directory, FOLDER, &[])?;
        }
        // The kernel opens it for init before init could mount anything.
        archive.add_device("dev/console", (5, 1))?;
        archive.add("init", PROGRAM, self.init)?;
        let mut list = String::new();
        for (number, module) in self.modules.iter().enumerate() {
            let file = archive.add_module(&format!("modules/{number}"), module)?;
            let verb = if module.is_soft { "try" } else { "load" };
            let whose = if module.is_own { "own" } else { "given" };
            list += &format!("{verb} {whose} /{file}\n");
        }
        archive.add("plan/modules", FILE, list.as_bytes())?;
        if let Some(userland) = self.userland {
            let mut list = String::new();
            for module in &userland.mount_with {
                let directory = format!("plan/{}", module.name);
                list += &format!("/{}\n", archive.add_module(&directory, module)?);
            }
            archive.add("plan/userland", FILE, list.as_bytes())?;
            if userland.has_own_modules() {
                archive.add("plan/own-modules", FILE, &[])?;
            }
        }
        if let Some(busybox) = self.busybox {
            archive.add("bin/busybox", PROGRAM, busybox)?;
        }
        match self.task {
            Task::None => {}
            Task::Command(command) => archive.add("plan/command", FILE, command.as_bytes())?,
            Task::Shell => {
                let terminal = std::env::var("TERM").unwrap_or_else(|_| "linux".into());
                archive.add("plan/shell", FILE, terminal.as_bytes())?;
            }
        }
        newc::trailer(archive.0).map(drop)
    }
}

struct Archive<'a>(&'a mut dyn Write);

impl Archive<'_> {
    fn add(&mut self, name: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        self.entry(newc::Builder::new(name).mode(mode), content)
    }

    /// Adds a module in a directory of its own: two of one name would be one file.
    fn add_module(&mut self, directory: &str, module: &Module) -> io::Result<String> {
        let file = format!("{directory}/{}.ko", module.name);
        self.add(directory, FOLDER, &[])?;
        self.add(&file, FILE, &module.elf)?;
        Ok(file)
    }

    fn add_device(&mut self, name: &str, (major, minor): (u32, u32)) -> io::Result<()> {
        let builder = newc::Builder::new(name).mode(DEVICE);
        self.entry(builder.rdev_major(major).rdev_minor(minor), &[])
    }

    fn entry(&mut self, builder: newc::Builder, content: &[u8]) -> io::Result<()> {
        let length = u32::try_from(content.len()).map_err(io::Error::other)?;
        let mut writer = builder.nlink(1).write(&mut *self.0, length);
        writer.write_all(content)?;
        writer.finish().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Read;

    fn entries(contents: &Contents<'_>) -> BTreeMap<String, (u32, Vec<u8>)> {
        let mut bytes = Vec::new();
        contents.write(&mut bytes).unwrap();
        let mut found = BTreeMap::new();
        let mut rest = bytes.as_slice();
        loop {
            let mut reader = newc::Reader::new(rest).unwrap();
            if reader.entry().is_trailer() {
                return found;
            }
            let (name, mode) = (reader.entry().name().to_owned(), reader.entry().mode());
            let mut content = Vec::new();
            reader.read_to_end(&mut content).unwrap();
            found.insert(name, (mode, content));
            rest = reader.finish().unwrap();
        }
    }

    fn module(name: &str, elf: &[u8]) -> Module {
        Module {
            name: name.into(),
            path: format!("/somewhere/{name}.ko.zst").into(),
            elf: elf.to_vec(),
            is_soft: name == "b",
            is_own: name == "b",
        }
    }

    #[test]
    fn modules_lie_in_it_in_their_order() {
        let contents = Contents {
            init: b"init",
            modules: &[
                module("b", b"B"),
                module("a", b"A"),
                module("a", b"another A"),
            ],
            busybox: None,
            task: &Task::None,
            userland: None,
        };
        let found = entries(&contents);
        assert_eq!(found["init"], (PROGRAM, b"init".to_vec()));
        assert_eq!(found["dev/console"].0, DEVICE);
        let list = String::from_utf8(found["plan/modules"].1.clone()).unwrap();
        assert_eq!(
            list,
            "try own /modules/0/b.ko\nload given /modules/1/a.ko\nload given /modules/2/a.ko\n"
        );
        assert_eq!(found["modules/2/a.ko"].1, b"another A");
        for absent in ["plan/command", "plan/shell", "plan/userland", "bin/busybox"] {
            assert!(!found.contains_key(absent), "{absent}");
        }
    }

    #[test]
    fn a_userland_comes_with_the_modules_that_mount_it() {
        let userland = Userland::of_parts("/system", Some("/modules"), vec![module("9p", b"9P")]);
        let contents = Contents {
            init: b"init",
            modules: &[],
            busybox: None,
            task: &Task::Shell,
            userland: Some(&userland),
        };
        let found = entries(&contents);
        assert_eq!(found["plan/userland"].1, b"/plan/9p/9p.ko\n");
        assert_eq!(found["plan/9p/9p.ko"].1, b"9P");
        assert!(found.contains_key("plan/own-modules"));
        let userland = Userland::of_parts("/system", None, Vec::new());
        let found = entries(&Contents {
            userland: Some(&userland),
            ..contents
        });
        assert_eq!(found["plan/userland"].1, b"");
        assert!(!found.contains_key("plan/own-modules"));
    }

    #[test]
    fn a_task_brings_its_userland() {
        let contents = Contents {
            init: b"init",
            modules: &[],
            busybox: Some(b"busybox"),
            task: &Task::Command("cat /proc/modules\nexit 3".into()),
            userland: None,
        };
        let found = entries(&contents);
        assert_eq!(found["bin/busybox"], (PROGRAM, b"busybox".to_vec()));
        assert_eq!(found["plan/command"].1, b"cat /proc/modules\nexit 3");
        assert_eq!(found["plan/modules"].1, b"");
    }
}
