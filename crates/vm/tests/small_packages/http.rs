// SPDX-License-Identifier: MIT OR Apache-2.0

//! A web server for one directory, on loopback.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

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
