// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which modules are loaded, in which order: each after those it names as those it needs, and those
//! that its author wants to be there before it (`softdep=pre:`), if the kernel has them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, about};
use crate::kernel::Kernel;
use kernel_files::decompress;
use kernel_files::kofile::{KoError, KoFile};

/// A module to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// The name the kernel knows it by.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What is in it, unpacked.
    pub elf: Vec<u8>,
    /// Whether it is only there because another would like it: it may have no hardware here.
    pub is_soft: bool,
    /// Whether it is one of the kernel's own, which modprobe finds by its name.
    pub is_own: bool,
}

/// The modules in the order to load them.
#[derive(Debug, Default)]
pub struct Plan {
    /// The modules.
    pub modules: Vec<Module>,
    /// Modules that another names and nobody has: who names it, and its name.
    pub missing: Vec<(String, String)>,
}

impl Plan {
    /// Puts the modules that the caller wants, files or names of the kernel's own, behind all that
    /// they need: of what the caller gave, else of what the kernel has.
    pub fn new(kernel: &Kernel, wanted: &[PathBuf]) -> Result<Self> {
        let mut given = HashMap::new();
        let mut order = Vec::new();
        for path in wanted {
            let module = match about(path)? {
                Some(_) => read(path)?,
                None => own(&named(kernel, path)?)?,
            };
            order.push(module.name.clone());
            match given.entry(module.name.clone()) {
                Entry::Vacant(free) => {
                    free.insert(module);
                }
                Entry::Occupied(other) if is_same(&other.get().path, &module.path) => {}
                Entry::Occupied(other) => {
                    return Err(Error::TwoOfOneName {
                        name: module.name,
                        paths: [other.get().path.clone(), module.path],
                    });
                }
            }
        }
        Self::in_order(kernel, given, &order)
    }

    /// Some of the kernel's own modules, by their names, behind all that they need.
    pub(crate) fn of_own(kernel: &Kernel, names: &[&str]) -> Result<Self> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        Self::in_order(kernel, HashMap::new(), &names)
    }

    fn in_order(kernel: &Kernel, given: HashMap<String, Module>, names: &[String]) -> Result<Self> {
        let mut planner = Planner {
            kernel,
            given,
            seen: HashSet::new(),
            plan: Self::default(),
        };
        for name in names {
            planner.add(name, "", false)?;
        }
        Ok(planner.plan)
    }
}

struct Planner<'a> {
    kernel: &'a Kernel,
    given: HashMap<String, Module>,
    /// Modules that were entered: one that needs itself, by however long a way, is left to the
    /// kernel to refuse.
    seen: HashSet<String>,
    plan: Plan,
}

impl Planner<'_> {
    fn add(&mut self, name: &str, needed_by: &str, is_soft: bool) -> Result<()> {
        if !self.seen.insert(name.to_owned()) {
            return Ok(());
        }
        let mut module = match self.given.remove(name) {
            Some(module) => module,
            None if self.kernel.has_builtin(name) => return Ok(()),
            None => {
                let Some(path) = self.kernel.module_file(name) else {
                    let missing = (needed_by.to_owned(), name.to_owned());
                    self.plan.missing.push(missing);
                    return Ok(());
                };
                own(path)?
            }
        };
        let file = parse(&module.path, &module.elf)?;
        for wished in file.infos("softdep").flat_map(soft_dependencies) {
            for name in self.kernel.modules_called(wished) {
                self.add(&name, &module.name, true)?;
            }
        }
        for needed in file.depends() {
            self.add(&needed.replace('-', "_"), &module.name, is_soft)?;
        }
        module.is_soft = is_soft;
        self.plan.modules.push(module);
        Ok(())
    }
}

/// The names in "pre: a b post: c" that come before.
fn soft_dependencies(text: &str) -> impl Iterator<Item = &str> {
    let mut is_before = false;
    text.split_whitespace().filter(move |word| {
        if word.ends_with(':') {
            is_before = *word == "pre:";
            return false;
        }
        is_before
    })
}

/// The file of one of the kernel's own modules.
fn named(kernel: &Kernel, name: &Path) -> Result<PathBuf> {
    let name = name.display().to_string();
    if let Some(path) = kernel.module_file(&name) {
        return Ok(path.to_path_buf());
    }
    if kernel.has_builtin(&name) {
        return Err(Error::BuiltIn {
            name,
            kernel: kernel.name(),
        });
    }
    Err(Error::NoSuchModule {
        name,
        kernel: kernel.name(),
        directory: kernel.modules.clone(),
    })
}

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some() && real(one) == real(other)
}

fn read(path: &Path) -> Result<Module> {
    let elf = decompress::read(path).map_err(|reason| Error::NotAModule {
        path: path.to_path_buf(),
        reason: KoError::Read(reason),
    })?;
    Ok(Module {
        name: parse(path, &elf)?.name(path),
        path: path.to_path_buf(),
        elf,
        is_soft: false,
        is_own: false,
    })
}

/// The same of one of the kernel's own.
fn own(path: &Path) -> Result<Module> {
    let module = read(path)?;
    Ok(Module {
        is_own: true,
        ..module
    })
}

fn parse(path: &Path, elf: &[u8]) -> Result<KoFile> {
    KoFile::parse(elf).map_err(|reason| Error::NotAModule {
        path: path.to_path_buf(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_tree::system::System;

    /// As much of a module as a plan looks at.
    fn module(modinfo: &str) -> Vec<u8> {
        use object::{Architecture, BinaryFormat, Endianness, SectionKind, write::Object};
        let mut elf = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let section = elf.add_section(Vec::new(), b".modinfo".to_vec(), SectionKind::ReadOnlyData);
        let pairs = modinfo.replace(' ', "\0").replace('+', " ") + "\0";
        elf.append_section_data(section, pairs.as_bytes(), 1);
        elf.write().unwrap()
    }

    /// A machine with a kernel that has these modules.
    fn machine(modules: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("lib/modules/6");
        std::fs::create_dir_all(directory.join("kernel")).unwrap();
        let mut image = vec![0; 0x400];
        image[0x202..0x206].copy_from_slice(b"HdrS");
        std::fs::write(directory.join("vmlinuz"), image).unwrap();
        std::fs::write(
            directory.join("modules.builtin"),
            "kernel/lib/built-in.ko\n",
        )
        .unwrap();
        for (name, modinfo) in modules {
            let path = directory.join("kernel").join(format!("{name}.ko"));
            std::fs::write(path, module(modinfo)).unwrap();
        }
        root
    }

    fn planned(root: &Path, wanted: &[&str]) -> Result<Plan> {
        let kernel = Kernel::of_release(&System::bare(root), "6").unwrap();
        let wanted: Vec<_> = wanted.iter().map(|name| root.join(name)).collect();
        Plan::new(&kernel, &wanted)
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.modules.iter().map(|module| &*module.name).collect()
    }

    #[test]
    fn each_module_stands_behind_those_it_needs() {
        let root = machine(&[
            ("low", "name=low"),
            ("mid-dle", "name=mid_dle depends=low,built-in"),
        ]);
        let put = |name: &str, modinfo: &str| {
            std::fs::write(root.path().join(name), module(modinfo)).unwrap();
        };
        put("top.ko", "name=top depends=mine,mid_dle");
        // Another name than the kernel's, and given last.
        put("file.ko", "name=mine depends=low");
        let plan = planned(root.path(), &["top.ko", "file.ko"]).unwrap();
        assert_eq!(names(&plan), ["low", "mine", "mid_dle", "top"]);
        assert_eq!(plan.missing, []);
        // Without it, it is said who misses what.
        let plan = planned(root.path(), &["top.ko"]).unwrap();
        assert_eq!(names(&plan), ["low", "mid_dle", "top"]);
        assert_eq!(plan.missing, [("top".to_owned(), "mine".to_owned())]);
    }

    #[test]
    fn of_two_modules_of_one_name_none_is_dropped() {
        let root = machine(&[("same", "name=same")]);
        for name in ["one.ko", "two.ko"] {
            std::fs::write(root.path().join(name), module("name=same")).unwrap();
        }
        let kernels_own = "lib/modules/6/kernel/same.ko";
        for wanted in [["one.ko", "two.ko"], ["one.ko", kernels_own]] {
            let error = planned(root.path(), &wanted).unwrap_err().note().unwrap();
            for name in wanted {
                let path = root.path().join(name).display().to_string();
                assert!(error.contains(&path), "{error}");
            }
        }
        // One file, named twice.
        let plan = planned(root.path(), &["one.ko", "./one.ko"]).unwrap();
        assert_eq!(names(&plan), ["same"]);
    }

    #[test]
    fn a_circle_of_needs_ends() {
        let root = machine(&[("a", "name=a depends=b"), ("b", "name=b depends=a")]);
        let kernel = Kernel::of_release(&System::bare(root.path()), "6").unwrap();
        let plan = Plan::new(&kernel, &["a".into()]).unwrap();
        assert_eq!(names(&plan), ["b", "a"]);
    }

    #[test]
    fn what_is_only_wished_for_may_fail() {
        let root = machine(&[
            ("fast", "name=fast"),
            ("slow", "name=slow"),
            ("user", "name=user softdep=pre:+sum+gone+post:+slow"),
        ]);
        let directory = root.path().join("lib/modules/6");
        std::fs::write(
            directory.join("modules.alias"),
            "alias sum fast\nalias sums slow\n",
        )
        .unwrap();
        let kernel = Kernel::of_release(&System::bare(root.path()), "6").unwrap();
        let plan = Plan::new(&kernel, &["user".into()]).unwrap();
        assert_eq!(names(&plan), ["fast", "user"]);
        let soft: Vec<_> = plan.modules.iter().map(|module| module.is_soft).collect();
        assert_eq!(soft, [true, false]);
        assert_eq!(plan.missing, []);
    }

    #[test]
    fn what_is_not_a_module_is_named() {
        let root = machine(&[]);
        std::fs::write(root.path().join("text"), "text").unwrap();
        let error = planned(root.path(), &["text"]).unwrap_err();
        assert!(matches!(error, Error::NotAModule { .. }), "{error}");
        let kernel = Kernel::of_release(&System::bare(root.path()), "6").unwrap();
        let error = Plan::new(&kernel, &["none".into()]).unwrap_err();
        assert!(matches!(error, Error::NoSuchModule { .. }), "{error}");
        // Not even root gets through these.
        std::os::unix::fs::symlink("circle", root.path().join("circle")).unwrap();
        let error = planned(root.path(), &["circle"]).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        let error = Plan::new(&kernel, &["built-in".into()]).unwrap_err();
        assert!(matches!(error, Error::BuiltIn { .. }), "{error}");
    }
}
