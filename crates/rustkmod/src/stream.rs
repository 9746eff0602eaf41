// SPDX-License-Identifier: MIT OR Apache-2.0

//! Standard output and standard error, as streams whose reader may go away.

use std::io::{self, ErrorKind, Write};

/// A stream that bears losing its reader: the work goes on, and its verdict is the exit status.
pub(crate) struct Stream<W> {
    to: W,
    bears: fn(ErrorKind) -> bool,
    is_lost: bool,
}

/// Where the answer goes. That nobody reads on is not a failure; that it finds no room is one.
pub(crate) fn stdout() -> Stream<impl Write> {
    Stream::new(anstream::stdout().lock(), |kind| {
        kind == ErrorKind::BrokenPipe
    })
}

/// Where all else goes. There is no other place to say that it cannot be written.
pub fn stderr() -> impl Write {
    Stream::new(anstream::stderr(), |kind| kind != ErrorKind::Interrupted)
}

impl<W: Write> Stream<W> {
    fn new(to: W, bears: fn(ErrorKind) -> bool) -> Self {
        Self {
            to,
            bears,
            is_lost: false,
        }
    }

    fn attempt<T>(&mut self, all: T, write: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.is_lost {
            return Ok(all);
        }
        match write(&mut self.to) {
            Err(error) if (self.bears)(error.kind()) => {
                self.is_lost = true;
                Ok(all)
            }
            done => done,
        }
    }
}

impl<W: Write> Write for Stream<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(bytes.len(), |to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refuses(ErrorKind, u32);

    impl Write for Refuses {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn what_is_borne_is_tried_once_and_all_else_is_an_error() {
        let bears = |kind| kind == ErrorKind::BrokenPipe;
        let mut stream = Stream::new(Refuses(ErrorKind::BrokenPipe, 0), bears);
        for _ in 0..2 {
            stream.write_all(b"a line\n").unwrap();
            stream.flush().unwrap();
        }
        assert_eq!(stream.to.1, 1);
        let mut stream = Stream::new(Refuses(ErrorKind::StorageFull, 0), bears);
        assert!(stream.write_all(b"a line\n").is_err() && stream.flush().is_err());
    }
}
