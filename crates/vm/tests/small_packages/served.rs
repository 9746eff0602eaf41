// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a repository needs to be tried: a key, a web server on loopback, a machine that knows both.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use libtest_mimic::Failed;
use vm::{
    machine::Machine,
    repo::{PUBLIC_KEY, Signer, pacman_conf},
};

/// Whose key it is.
pub const ADDRESS: &str = "packager@linux-rust.example";

/// Signs a repository with a key that is made in a directory of gpg's, without a passphrase.
pub fn sign(repository: &Path, home: &Path) -> Result<(), Failed> {
    let output = Command::new("gpg")
        .args(["--batch", "--passphrase", "", "--quick-generate-key"])
        .args([ADDRESS, "ed25519"])
        .env("GNUPGHOME", home)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(Signer::at(home, ADDRESS)?.sign(repository)?)
}

/// Adds a signed repository to a machine's `pacman.conf`.
pub fn add(machine: &Machine, server: &str) -> Result<(), Failed> {
    let path = machine.path("/etc/pacman.conf");
    let conf = fs::read_to_string(&path)?;
    Ok(fs::write(
        &path,
        format!("{conf}\n{}", pacman_conf(server, true)),
    )?)
}

/// Has a machine trust the repository's key, as README says.
pub fn trust(machine: &Machine, repository: &Path) -> Result<(), Failed> {
    fs::copy(
        repository.join(PUBLIC_KEY),
        machine.path("/tmp").join(PUBLIC_KEY),
    )?;
    let script = format!(
        "pacman-key --init; pacman-key --add /tmp/{PUBLIC_KEY}; pacman-key --lsign-key {ADDRESS}"
    );
    let output = machine.sh(&script).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}

/// Serves the files of a directory until the process ends, and returns its address.
pub fn serve(directory: &Path) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    let directory = directory.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is not this server's trouble.
            let _ = answer(&stream, &directory);
        }
    });
    Ok(address)
}

fn answer(mut stream: &TcpStream, directory: &Path) -> io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let name = request.split(' ').nth(1).unwrap_or_default();
    let path: PathBuf = directory.join(name.trim_start_matches('/'));
    let (status, body) = match fs::read(&path) {
        Ok(body) if path.is_file() => ("200 OK", body),
        _ => ("404 Not Found", Vec::new()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}
