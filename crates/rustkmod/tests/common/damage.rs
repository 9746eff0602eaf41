// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernel modules damaged on purpose, one way each: 64-bit little-endian ELF, edited in place.

/// A module's bytes, without a signature.
#[derive(Clone)]
pub struct Module(pub Vec<u8>);

/// What ends a signed module.
const MAGIC: &[u8] = b"~Module signature appended~\n";

// Offsets in the ELF header.
pub const E_TYPE: usize = 16;
pub const E_MACHINE: usize = 18;
pub const E_SHOFF: usize = 40;
pub const E_SHENTSIZE: usize = 58;
pub const E_SHNUM: usize = 60;
pub const E_SHSTRNDX: usize = 62;
// Offsets in a section header.
pub const SH_NAME: usize = 0;
pub const SH_TYPE: usize = 4;
pub const SH_FLAGS: usize = 8;
pub const SH_OFFSET: usize = 24;
pub const SH_SIZE: usize = 32;
pub const SH_LINK: usize = 40;

/// The bytes of a signed module without its signature.
pub fn unsigned(bytes: &[u8]) -> Module {
    let Some(rest) = bytes.strip_suffix(MAGIC) else {
        return Module(bytes.to_vec());
    };
    let length = &rest[rest.len() - 4..];
    let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
    Module(rest[..rest.len() - 12 - length].to_vec())
}

impl Module {
    pub fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.0[at..at + 2].try_into().unwrap())
    }

    pub fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    pub fn u64(&self, at: usize) -> usize {
        usize::try_from(u64::from_le_bytes(self.0[at..at + 8].try_into().unwrap())).unwrap()
    }

    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Where the header of section number `index` is.
    pub fn header(&self, index: usize) -> usize {
        self.u64(E_SHOFF) + index * 64
    }

    /// Where the header of a section is, by its name.
    pub fn section(&self, name: &str) -> usize {
        let index = self.index(name);
        self.header(index)
    }

    pub fn index(&self, name: &str) -> usize {
        let names = self.header(self.u16(E_SHSTRNDX).into());
        let start = self.u64(names + SH_OFFSET);
        let is_it = |index: &usize| {
            let at = start + self.u32(self.header(*index) + SH_NAME) as usize;
            let name_here = self.0[at..].split(|byte| *byte == 0).next().unwrap();
            name_here == name.as_bytes()
        };
        let count = usize::from(self.u16(E_SHNUM));
        (0..count)
            .find(is_it)
            .unwrap_or_else(|| panic!("no section {name}"))
    }

    /// Where the content of a section is.
    pub fn content(&self, name: &str) -> std::ops::Range<usize> {
        let header = self.section(name);
        let start = self.u64(header + SH_OFFSET);
        start..start + self.u64(header + SH_SIZE)
    }

    /// Gives a section another content, which is put at the end of the file.
    pub fn replace(&mut self, name: &str, content: &[u8]) {
        let header = self.section(name);
        self.0.resize(self.0.len().next_multiple_of(64), 0);
        let start = self.0.len() as u64;
        self.0.extend_from_slice(content);
        self.put(header + SH_OFFSET, &start.to_le_bytes());
        self.put(header + SH_SIZE, &(content.len() as u64).to_le_bytes());
    }

    /// Gives a section another name, of which there is a place in the names.
    pub fn rename_section(&mut self, old: &str, new: &str) {
        let names = ".shstrtab";
        let mut content = self.0[self.content(names)].to_vec();
        let at = u32::try_from(content.len()).unwrap();
        content.extend_from_slice(new.as_bytes());
        content.push(0);
        let header = self.section(old);
        self.put(header + SH_NAME, &at.to_le_bytes());
        self.replace(names, &content);
    }

    /// Puts a pair into `.modinfo` in the place of those of its key; without a value takes these away.
    pub fn modinfo(&mut self, key: &str, value: Option<&str>) {
        let old = &self.0[self.content(".modinfo")];
        let start = format!("{key}=");
        let mut new = Vec::new();
        for pair in old.split(|byte| *byte == 0).filter(|pair| !pair.is_empty()) {
            if !pair.starts_with(start.as_bytes()) {
                new.extend_from_slice(pair);
                new.push(0);
            }
        }
        if let Some(value) = value {
            new.extend_from_slice(format!("{start}{value}\0").as_bytes());
        }
        self.replace(".modinfo", &new);
    }

    /// The value of a key in `.modinfo`.
    pub fn info(&self, key: &str) -> String {
        let all = &self.0[self.content(".modinfo")];
        let start = format!("{key}=");
        let pair = all
            .split(|byte| *byte == 0)
            .find(|pair| pair.starts_with(start.as_bytes()));
        String::from_utf8(pair.unwrap()[start.len()..].to_vec()).unwrap()
    }

    /// Gives the module another name, in `.modinfo` and in its `struct module`.
    pub fn rename(&mut self, name: &str) {
        self.modinfo("name", Some(name));
        let own = self.content(".gnu.linkonce.this_module").start;
        // Behind the state and the list.
        let mut field = [0; 56];
        field[..name.len()].copy_from_slice(name.as_bytes());
        self.put(own + 24, &field);
    }

    /// Where the entry of a symbol is.
    fn symbol(&self, wanted: &str) -> usize {
        let names = self.content(".strtab").start;
        let mut entries = self.content(".symtab").step_by(24).skip(1);
        let found = entries.find(|at| {
            let start = names + self.u32(*at) as usize;
            let name = self.0[start..].split(|byte| *byte == 0).next().unwrap();
            name == wanted.as_bytes()
        });
        found.unwrap_or_else(|| panic!("no symbol {wanted}"))
    }

    /// Adds a symbol: its binding and type, and the section it is in.
    fn add_symbol(&mut self, name: &str, info: u8, section: u16) {
        let name = self.symbol_name(name);
        let mut table = self.0[self.content(".symtab")].to_vec();
        table.extend_from_slice(&name.to_le_bytes());
        table.extend_from_slice(&[info, 0]);
        table.extend_from_slice(&section.to_le_bytes());
        table.extend_from_slice(&[0; 16]);
        self.replace(".symtab", &table);
    }

    /// Adds a name to those of the symbols.
    fn symbol_name(&mut self, name: &str) -> u32 {
        let mut content = self.0[self.content(".strtab")].to_vec();
        let at = u32::try_from(content.len()).unwrap();
        content.extend_from_slice(name.as_bytes());
        content.push(0);
        self.replace(".strtab", &content);
        at
    }

    /// Lets the module need one more symbol.
    pub fn need(&mut self, name: &str, is_weak: bool) {
        let bind: u8 = if is_weak { 2 } else { 1 };
        self.add_symbol(name, bind << 4, 0);
    }

    /// Gives it a variable that is common to the files that have it.
    pub fn common(&mut self) {
        self.add_symbol("shared", 1 << 4 | 1, 0xfff2);
    }

    /// Gives a symbol another name.
    pub fn rename_symbol(&mut self, old: &str, new: &str) {
        let entry = self.symbol(old);
        let name = self.symbol_name(new);
        self.put(entry, &name.to_le_bytes());
    }

    /// Puts an entry into `__versions`, in the place of that of its name.
    pub fn version(&mut self, name: &str, crc: Option<u32>) {
        let old = self.0[self.content("__versions")].to_vec();
        let mut new: Vec<u8> = Vec::new();
        for entry in old.chunks_exact(64) {
            let here = entry[8..].split(|byte| *byte == 0).next().unwrap();
            if here != name.as_bytes() {
                new.extend_from_slice(entry);
            }
        }
        if let Some(crc) = crc {
            let mut entry = [0; 64];
            entry[..4].copy_from_slice(&crc.to_le_bytes());
            entry[8..8 + name.len()].copy_from_slice(name.as_bytes());
            new.extend_from_slice(&entry);
        }
        self.replace("__versions", &new);
    }

    /// Changes the kind of the last relocation of `.text`.
    pub fn relocation(&mut self, kind: u32) {
        let last = self.content(".rela.text").end - 24;
        self.put(last + 8, &kind.to_le_bytes());
    }

    /// A signature behind the module: these fields before its length, and this message.
    pub fn sign(&mut self, fields: [u8; 8], message: &[u8], length: u32) {
        self.0.extend_from_slice(message);
        self.0.extend_from_slice(&fields);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(MAGIC);
    }
}
