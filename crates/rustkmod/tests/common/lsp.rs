// SPDX-License-Identifier: MIT OR Apache-2.0

//! An editor, as far as rust-analyzer can tell: the language server's protocol over its standard
//! input and output. And what an author may ask of it, on any kernel.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// Longer than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A language server that was started.
pub struct Server {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    last: u64,
    /// What it reports of its health, once it is done with reading.
    pub health: Value,
}

/// A document that is open in it.
pub struct Document {
    uri: String,
    text: String,
    version: u32,
}

impl Server {
    /// Starts it for a directory, and waits until it has read what it reads.
    pub fn start(mut command: Command, directory: &Path) -> Self {
        let mut child = command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("rust-analyzer starts");
        let (send, from) = channel();
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        let to = child.stdin.take().expect("a pipe");
        let mut server = Self {
            child,
            to,
            from,
            last: 0,
            health: Value::Null,
        };
        server.ask(
            "initialize",
            json!({
                "processId": std::process::id(),
                "rootUri": uri(directory),
                // Imports that lead nowhere are among those.
                "initializationOptions": { "diagnostics": { "experimental": { "enable": true } } },
                "capabilities": {
                    "experimental": { "serverStatusNotification": true },
                    "textDocument": {
                        "diagnostic": {},
                        "hover": { "contentFormat": ["markdown"] },
                    },
                },
            }),
        );
        server.tell("initialized", json!({}));
        while server.health["quiescent"] != true {
            let message = server.next();
            server.take(&message);
        }
        server
    }

    /// Opens a file, of the system below `root`.
    pub fn open(&mut self, root: &Path, path: &Path) -> Document {
        let document = Document {
            uri: uri(path),
            text: read_below(root, path),
            version: 1,
        };
        self.tell(
            "textDocument/didOpen",
            json!({ "textDocument": {
                "uri": document.uri, "languageId": "rust", "version": 1, "text": document.text,
            }}),
        );
        document
    }

    /// Changes the text of a file that is open, as one does who types.
    pub fn edit(&mut self, document: &mut Document, old: &str, new: &str) {
        assert!(document.text.contains(old), "{old} in {}", document.text);
        document.text = document.text.replacen(old, new, 1);
        document.version += 1;
        self.tell(
            "textDocument/didChange",
            json!({
                "textDocument": { "uri": document.uri, "version": document.version },
                "contentChanges": [{ "text": document.text }],
            }),
        );
    }

    /// What is wrong with a file: the code of each, with its message. That some code is for other
    /// kernels is nothing wrong.
    pub fn diagnostics(&mut self, document: &Document) -> Vec<(String, String)> {
        let params = json!({ "textDocument": { "uri": document.uri } });
        let answer = self.ask("textDocument/diagnostic", params);
        let items = answer["items"].as_array().expect("diagnostics").clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        items
            .iter()
            .map(|item| (text(&item["code"]), text(&item["message"])))
            .filter(|(code, _)| code != "inactive-code")
            .collect()
    }

    /// What it shows where the mouse is: `at` is a text in the file with a `|` in it.
    pub fn hover(&mut self, document: &Document, at: &str) -> String {
        let answer = self.ask("textDocument/hover", document.position(at));
        answer["contents"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_string()
    }

    /// The files that what is there is defined in.
    pub fn definitions(&mut self, document: &Document, at: &str) -> Vec<PathBuf> {
        let answer = self.ask("textDocument/definition", document.position(at));
        let places = answer.as_array().cloned().unwrap_or_default();
        places
            .iter()
            .filter_map(|place| place["uri"].as_str()?.strip_prefix("file://"))
            .map(PathBuf::from)
            .collect()
    }

    /// What it offers to write.
    pub fn completions(&mut self, document: &Document, at: &str) -> Vec<String> {
        let answer = self.ask("textDocument/completion", document.position(at));
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .filter_map(|item| Some(item["label"].as_str()?.to_string()))
            .collect()
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.next();
            if message["id"] == id && message.get("method").is_none() {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.take(&message);
        }
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("it reads");
        self.to.flush().expect("it reads");
    }

    fn next(&mut self) -> Value {
        self.from
            .recv_timeout(PATIENCE)
            .expect("an answer from rust-analyzer")
    }

    /// What it says, or asks, of its own.
    fn take(&mut self, message: &Value) {
        if message["method"] == "experimental/serverStatus" {
            self.health = message["params"].clone();
        } else if message.get("id").is_some() && message.get("method").is_some() {
            let id = &message["id"];
            self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Document {
    fn position(&self, at: &str) -> Value {
        let (before, after) = at.split_once('|').expect("a place in a text");
        let found = self.text.find(&format!("{before}{after}"));
        let offset = found.unwrap_or_else(|| panic!("{at} in {}", self.text)) + before.len();
        let line = self.text[..offset].matches('\n').count();
        let start = self.text[..offset].rfind('\n').map_or(0, |end| end + 1);
        let column = self.text[start..offset].encode_utf16().count();
        json!({
            "textDocument": { "uri": self.uri },
            "position": { "line": line, "character": column },
        })
    }
}

/// A file of the system below a directory.
fn read_below(root: &Path, path: &Path) -> String {
    let path = root.join(path.strip_prefix("/").expect("an absolute path"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// One message: headers, an empty line, as many bytes as a header says.
fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim() {
            "" => break,
            header => {
                if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
            }
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// What an author may expect of an editor in a module whose type is `module_type`, in a file that
/// is `source`, on the system below `root`, where the server runs: that it knows every name, shows the documentation of the kernel's, follows them to
/// their sources in `kdir`, and offers what is to be written.
pub fn is_known(command: Command, root: &Path, source: &Path, module_type: &str, kdir: &Path) {
    let directory = source.parent().expect("a directory");
    let mut server = Server::start(command, directory);
    assert_eq!(server.health["health"], "ok", "{}", server.health);
    let mut document = server.open(root, source);

    // Where the toolchain is too old to have a server for its macros, `module!` stays as it is.
    let project = read_below(root, &directory.join("rust-project.json"));
    let project: Value = serde_json::from_str(&project).expect("JSON");
    let wrong = server.diagnostics(&document);
    if project.get("sysroot").is_some() {
        assert_eq!(wrong, [], "{}", source.display());
    } else {
        let codes: Vec<_> = wrong.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(codes, ["macro-error"], "{wrong:?}");
    }

    let hover = server.hover(&document, "pr_|info!");
    assert!(hover.contains("Prints an info-level message"), "{hover}");
    let places = server.definitions(&document, "pr_|info!");
    assert_eq!(places, [kdir.join("rust/kernel/print.rs")]);
    let hover = server.hover(&document, "kernel::Mod|ule");
    assert!(
        hover.contains("entrypoint to implementing a kernel module"),
        "{hover}"
    );
    // It has a file of its own in newer series.
    let places = server.definitions(&document, "kernel::Mod|ule");
    let files = ["lib.rs", "module.rs"].map(|name| vec![kdir.join("rust/kernel").join(name)]);
    assert!(files.contains(&places), "{places:?}");
    let hover = server.hover(&document, "modu|le! {");
    assert!(hover.contains("Declares a kernel module"), "{hover}");
    // A value whose type is inferred, through the kernel's own collections and core's methods.
    let numbers = "let mut num|bers =";
    let hover = server.hover(&document, numbers);
    assert!(hover.contains("Vec<i32"), "{hover}");

    // Bindings, of which the C sources say what they say, and which are there as types.
    let body = "Ok(Self { numbers })";
    let more = "let task: *mut kernel::bindings::task_struct = core::ptr::null_mut();\n\
                let freed = kernel::bindings::kfree as unsafe extern \"C\" fn(_);\n\
                let length = \"text\".len().max(numbers.len());\n\
                let _ = (task, freed, length);\n";
    server.edit(&mut document, body, &format!("{more}{body}"));
    let hover = server.hover(&document, "bindings::task_|struct");
    assert!(hover.contains("pub struct task_struct"), "{hover}");
    assert!(hover.contains("thread_info"), "{hover}");
    let places = server.definitions(&document, "bindings::task_|struct");
    assert_eq!(places, [kdir.join("rust/bindings/bindings_generated.rs")]);
    let hover = server.hover(&document, "bindings::kf|ree");
    assert!(hover.contains("fn kfree("), "{hover}");
    let hover = server.hover(&document, "let len|gth");
    assert!(hover.contains("let length: usize"), "{hover}");
    let prelude = "use kernel::prelude::*;\n";
    let unknown = format!("{prelude}use kernel::bindings::no_such_thing;\n");
    server.edit(&mut document, prelude, &unknown);
    let wrong = server.diagnostics(&document);
    assert!(
        wrong.iter().any(|(code, _)| code == "E0432"),
        "an import that is none is not said: {wrong:?}"
    );

    // What is to be written in the implementation of the trait.
    let begin = format!("impl kernel::Module for {module_type} {{\n");
    server.edit(
        &mut document,
        &format!("{begin}    fn init"),
        &format!("{begin}    fn ini\n}}\nimpl {module_type} {{\n    fn init"),
    );
    let offered = server.completions(&document, &format!("{begin}    fn ini|\n"));
    assert!(
        offered.iter().any(|label| label.starts_with("fn init(")),
        "{offered:?}"
    );
}
