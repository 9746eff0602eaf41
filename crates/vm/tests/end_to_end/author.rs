// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the author of a module meets: `rustkmod new`, `rustkmod ide` with the real rust-analyzer, and
//! the page "Your first Rust module", of which every command is run and every message seen.

// The editor's part is that of the program's own tests.
#[path = "../../../rustkmod/tests/common/lsp.rs"]
mod lsp;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use kernel_boot::Verdict;
use libtest_mimic::Failed;
use vm::{
    boot::{boot, put_program},
    files::{make_executable, repository},
    host::BUILDER,
    machine::Machine,
};

use crate::lab::{Lab, logged, ran, says, text, trials};

trials![
    the_page_of_the_first_module_is_true_word_for_word,
    a_new_module_is_good_on_every_series,
    an_editor_knows_modules_of_every_series,
];

/// Where the author works.
const HOME: &str = "/home/author";

/// Commands of the page that other tests are: those of the packages' own builds.
const DONE: [&str; 4] = [
    "(cd rust-toolchain && makepkg -si)",
    "(cd linux-rust && _config=vm makepkg -si)",
    "(cd rustkmod && makepkg -si)",
    "sudo pacman -S --needed dkms qemu-system-x86",
];

/// Commands that want the kernel to be running: it is, in QEMU.
const BOOTED: [&str; 2] = ["sudo modprobe hello", "sudo dmesg | tail -n1"];

/// Commands that are to be run one after the other, and what the page says that they print.
#[derive(Debug, Default)]
struct Step {
    line: usize,
    commands: Vec<String>,
    prints: Vec<String>,
    /// Under the heading of what goes wrong.
    is_mistake: bool,
}

/// Reads the blocks of `sh` and of `text` out of a page.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut block, mut is_mistake) = (None, false);
    for (number, line) in page.lines().enumerate() {
        match (block, line.strip_prefix("```")) {
            (None, None) => is_mistake |= line.starts_with("## What goes wrong"),
            (None, Some(kind)) => {
                block = Some(kind);
                if kind == "sh" {
                    steps.push(Step {
                        line: number + 1,
                        is_mistake,
                        ..Step::default()
                    });
                }
            }
            (Some(_), Some(_)) => block = None,
            (Some(kind), None) => {
                let step = steps.last_mut().expect("commands, then what they print");
                let line = line.to_owned();
                match kind {
                    "sh" => step.commands.push(line),
                    "text" => step.prints.push(line),
                    _ => panic!("a block of {kind:?}"),
                }
            }
        }
    }
    steps
}

/// A shell that stays open, in a machine, as the author.
struct Session {
    shell: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

/// What ends the output of a command.
const END: &str = "-- the command has ended: ";

impl Session {
    fn open(machine: &Machine) -> Result<Self, Failed> {
        set_up_author(machine)?;
        let mut shell = Command::new("/usr/sbin/chroot")
            .arg(format!("--userspec={BUILDER}:{BUILDER}"))
            .arg(machine.root())
            .args(["sh", "-c", &format!("cd {HOME}; exec sh 2>&1")])
            .env_clear()
            .envs([
                // On Arch all programs are in one directory.
                ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"),
                ("HOME", HOME),
                ("LANG", "C.UTF-8"),
                // As Arch's makepkg.conf has it.
                ("PKGEXT", ".pkg.tar.zst"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let to = shell.stdin.take().ok_or("a pipe")?;
        let from = BufReader::new(shell.stdout.take().ok_or("a pipe")?);
        Ok(Self { shell, to, from })
    }

    /// What a command printed, and whether it succeeded.
    fn run(&mut self, command: &str) -> Result<(String, bool), Failed> {
        writeln!(self.to, "{{ {command}\n}} </dev/null; echo \"{END}$?\"")?;
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if self.from.read_line(&mut line)? == 0 {
                return Err(format!("the shell has ended at: {command}\n{said}").into());
            }
            if let Some(status) = line.trim_end().strip_prefix(END) {
                return Ok((said, status == "0"));
            }
            said += &line;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// A home, a way to be root that asks no password, and in pacman's database what Debian has under
/// other names: what an author's Arch has.
fn set_up_author(machine: &Machine) -> Result<(), Failed> {
    let home = machine.path(HOME);
    fs::create_dir_all(&home)?;
    chown(&home, Some(BUILDER), Some(BUILDER))?;
    machine.let_users_sudo()?;
    machine.claim_installed("dkms", "3.0.10-1", "")?;
    Ok(())
}

/// Another rustc than the kernel's, as the author's own.
fn lend_rustc(machine: &Machine) -> Result<(), Failed> {
    machine.write(
        "/usr/local/bin/rustc",
        "#!/bin/sh\necho 'rustc 1.89.0 (29483883e 2025-08-04)'\n",
    )?;
    make_executable(&machine.path("/usr/local/bin/rustc"))?;
    Ok(())
}

fn the_page_of_the_first_module_is_true_word_for_word(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let sources = lab.some(&lab.first, &["linux-rust-lts61-vm-src"])?;
    lab.pacman(&machine, "first-module-src", &sources)?;
    put_program(&machine)?;
    lend_rustc(&machine)?;
    let mut session = Session::open(&machine)?;
    let path = repository().join("docs/first-module.md");
    let page = fs::read_to_string(&path)?;
    for name in DONE.iter().chain(&BOOTED) {
        says(&page, &[name]);
    }
    let (mut ran, mut seen) = (0, 0);
    for step in steps(&page) {
        let place = format!("{}:{}", path.display(), step.line);
        let mut said = String::new();
        let last = step.commands.len() - 1;
        for (number, command) in step.commands.iter().enumerate() {
            if DONE.contains(&&**command) {
                continue;
            }
            if BOOTED.contains(&&**command) {
                said += &booted(lab, &machine)?;
                continue;
            }
            let (printed, succeeded) = session.run(command)?;
            said += &printed;
            ran += 1;
            // A mistake fails, unless it is one that is only warned of.
            let is_warned = step.prints.iter().any(|line| line.starts_with("warning:"));
            let fails = step.is_mistake && number == last && !step.prints.is_empty() && !is_warned;
            assert_eq!(succeeded, !fails, "{place}: {command}\n{said}");
        }
        for line in &step.prints {
            assert!(
                said.contains(line.trim()),
                "{place}: {line}\nis not in:\n{said}"
            );
            seen += 1;
        }
    }
    assert!(ran > 25 && seen > 15, "{ran} commands, {seen} lines");
    Ok(())
}

/// What the kernel logs when it is booted and the module loaded that DKMS has installed.
fn booted(lab: &Lab, machine: &Machine) -> Result<String, Failed> {
    let (cache, modules) = (&lab.shop.cache, ["hello".into()]);
    let boot = boot(cache, "first-module", machine, &lab.release, &modules, "")?;
    assert_eq!(boot.verdict, Verdict::Good, "{}", boot.log);
    Ok(logged(&boot))
}

/// For each series, on a machine with its packages and the LLVM that built them.
fn on_each_series(
    lab: &Lab,
    test: impl Fn(&Machine, &str) -> Result<(), Failed>,
) -> Result<(), Failed> {
    for (_, machine) in lab.each_series()? {
        put_program(&machine)?;
        set_up_author(&machine)?;
        test(&machine, &machine.kernel()?)?;
    }
    Ok(())
}

/// Without a warning, by make and by DKMS; makepkg and shellcheck take its package; the kernel would
/// take the module, and does.
fn a_new_module_is_good_on_every_series(lab: &Lab) -> Result<(), Failed> {
    let name = "greeter";
    on_each_series(lab, |machine, kernel| {
        let directory = format!("{HOME}/{name}");
        let script = format!(
            "export HOME={HOME} PKGEXT=.pkg.tar.zst; cd $HOME; umask 022\n\
             rustkmod new {name} --kernel {kernel} --author 'A. Author <author@example.org>'\n\
             cd {name}; makepkg\n\
             make KDIR=/usr/lib/modules/{kernel}/build\n\
             rustkmod check {name}.ko --kernel {kernel}"
        );
        let output = machine.as_user(&script)?;
        let said = text(&output);
        assert!(output.status.success(), "{kernel}: {said}");
        // That the compiler differs from the kernel's is kbuild's to say.
        assert!(
            !said.contains("warning: unused") && !said.contains(" generated"),
            "{said}"
        );
        ran(Command::new("shellcheck")
            .args(["--shell=bash", "--exclude=SC2034,SC2154"])
            .arg(machine.path(&format!("{directory}/PKGBUILD"))))?;

        let package = machine.path(&format!("{directory}/{name}-dkms-1.0-1-any.pkg.tar.zst"));
        let copy = lab
            .shop
            .cache
            .directory("test-author", 0)?
            .join(package.file_name().ok_or("a name")?);
        fs::copy(&package, &copy)?;
        lab.pacman(machine, name, &[copy])?;
        let modules = [PathBuf::from(name)];
        let boot = boot(&lab.shop.cache, name, machine, kernel, &modules, "")?;
        assert_eq!(boot.verdict, Verdict::Good, "{}", boot.log);
        says(
            &logged(&boot),
            &[
                &format!("{name}: Hello from Rust"),
                &format!("{name}: Goodbye, my numbers were [72, 108]"),
            ],
        );
        Ok(())
    })
}

/// rustup's, which is fetched if need be.
fn rust_analyzer() -> Result<PathBuf, Failed> {
    let which = || -> Result<Option<PathBuf>, Failed> {
        let output = Command::new("rustup")
            .args(["which", "rust-analyzer"])
            .output()?;
        let path = String::from_utf8(output.stdout)?;
        Ok(output.status.success().then(|| PathBuf::from(path.trim())))
    };
    if let Some(path) = which()? {
        return Ok(path);
    }
    ran(Command::new("rustup").args(["component", "add", "rust-analyzer"]))?;
    Ok(which()?.ok_or("rustup has installed no rust-analyzer")?)
}

fn an_editor_knows_modules_of_every_series(lab: &Lab) -> Result<(), Failed> {
    // Where it is, with the libraries beside it: the machine's files are inside, too.
    let analyzer = rust_analyzer()?;
    let analyzer = analyzer.to_str().ok_or("a path in UTF-8")?;
    on_each_series(lab, |machine, kernel| {
        let kdir = format!("/usr/lib/modules/{kernel}/build");
        let sample = repository().join("rust-out-of-tree-dkms");
        for name in ["Kbuild", "rust_out_of_tree.rs"] {
            let text = fs::read_to_string(sample.join(name))?;
            machine.write(&format!("{HOME}/{kernel}/sample/{name}"), &text)?;
        }
        ran(machine
            .command("chown")
            .args(["-R", &format!("{BUILDER}"), HOME]))?;
        let script = format!(
            "cd {HOME}/{kernel}; rustkmod new greeter --kernel {kernel} --author A\n\
             rustkmod ide greeter --kernel {kernel}"
        );
        let output = machine.as_user(&script)?;
        assert!(output.status.success(), "{kernel}: {}", text(&output));
        kernels_own_way(machine, kernel)?;
        let script = format!("cd {HOME}/{kernel}; rustkmod ide sample --kernel {kernel}");
        let output = machine.as_user(&script)?;
        assert!(output.status.success(), "{kernel}: {}", text(&output));
        for (source, module_type) in [
            ("greeter/greeter.rs", "Greeter"),
            ("sample/rust_out_of_tree.rs", "RustOutOfTree"),
        ] {
            lsp::is_known(
                machine.command(analyzer),
                &machine.root(),
                Path::new(&format!("{HOME}/{kernel}/{source}")),
                module_type,
                Path::new(&kdir),
            );
        }
        Ok(())
    })
}

/// `make rust-analyzer` writes a file, too. Since 6.12 it asks for bindgen first, though it does not
/// use it.
fn kernels_own_way(machine: &Machine, kernel: &str) -> Result<(), Failed> {
    let script = format!(
        "cd {HOME}/{kernel}/sample; make -C /usr/lib/modules/{kernel}/build M=$PWD rust-analyzer"
    );
    let output = machine.as_user(&script)?;
    if output.status.success() {
        let project = machine.path(&format!("{HOME}/{kernel}/sample/rust-project.json"));
        says(
            &fs::read_to_string(project)?,
            &["rust_out_of_tree", "rust/kernel/lib.rs"],
        );
        return Ok(());
    }
    says(
        &text(&output),
        &["Rust bindings generator 'bindgen' could not be found."],
    );
    assert!(!kernel.starts_with("6.1."), "{}", text(&output));
    Ok(())
}
