//! Where OpenSSL's functions are in a file: from its symbol tables, as file offsets. Only the headers and the tables are
//! read, for programs have hundreds of megabytes; and read, not mapped, for a file that shrinks under a mapping kills.

use std::{fs::File, io, mem::size_of, os::unix::fs::FileExt};

use object::{
    LittleEndian as Le,
    elf::{
        ELFMAG, EM_X86_64, FileHeader64, PT_LOAD, ProgramHeader64, SHT_DYNSYM, SHT_SYMTAB,
        SectionHeader64, Sym64,
    },
    pod::{self, Pod},
};

/// The functions that are probed, in the order of their probes. Without the first a file is none of OpenSSL's.
pub(super) const NAMES: [&str; 6] = [
    "SSL_write",
    "SSL_write_ex",
    "SSL_write_ex2",
    "SSL_read",
    "SSL_read_ex",
    "SSL_free",
];

/// Most bytes of one table: stops a file that is all table, or says that it is.
const TABLE_BYTES: u64 = 256 << 20;

/// File offsets of [`NAMES`], None for a function that the file does not have.
pub(super) type Offsets = [Option<u64>; NAMES.len()];

/// Looks the functions up; None where the file is no program or library of x86-64, or has none of them.
///
/// # Errors
/// The file cannot be read.
pub(super) fn find(file: &File) -> io::Result<Option<Offsets>> {
    let Some(header) = header(file)? else {
        return Ok(None);
    };
    let sections = Sections::read(file, &header)?;
    for kind in [SHT_DYNSYM, SHT_SYMTAB] {
        let Some(addresses) = sections.addresses(file, kind)? else {
            continue;
        };
        if addresses[0].is_some() {
            let segments = segments(file, &header)?;
            return Ok(Some(addresses.map(|address| offset(&segments, address?))));
        }
    }
    Ok(None)
}

fn header(file: &File) -> io::Result<Option<FileHeader64<Le>>> {
    let mut bytes = [0; size_of::<FileHeader64<Le>>()];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let header: Option<(&FileHeader64<Le>, _)> = pod::from_bytes(&bytes).ok();
    Ok(header.map(|(header, _)| *header).filter(|header| {
        header.e_ident.magic == ELFMAG
            && header.e_ident.class == object::elf::ELFCLASS64
            && header.e_ident.data == object::elf::ELFDATA2LSB
            && header.e_machine.get(Le) == EM_X86_64
    }))
}

/// The section headers.
struct Sections(Vec<SectionHeader64<Le>>);

impl Sections {
    fn read(file: &File, header: &FileHeader64<Le>) -> io::Result<Self> {
        table(
            file,
            header.e_shoff.get(Le),
            u64::from(header.e_shnum.get(Le)),
        )
        .map(Self)
    }

    /// Addresses of the functions in the symbol table of this kind.
    fn addresses(&self, file: &File, kind: u32) -> io::Result<Option<Offsets>> {
        let Some(symbols) = self
            .0
            .iter()
            .find(|section| section.sh_type.get(Le) == kind)
        else {
            return Ok(None);
        };
        let link = symbols.sh_link.get(Le) as usize;
        let Some(strings) = self.0.get(link) else {
            return Ok(None);
        };
        let strings = bytes(file, strings.sh_offset.get(Le), strings.sh_size.get(Le))?;
        let count = symbols.sh_size.get(Le) / size_of::<Sym64<Le>>() as u64;
        let symbols: Vec<Sym64<Le>> = table(file, symbols.sh_offset.get(Le), count)?;
        let mut addresses = [None; NAMES.len()];
        for symbol in symbols {
            let is_defined = symbol.st_shndx.get(Le) != 0 && symbol.st_value.get(Le) != 0;
            let name = strings.get(symbol.st_name.get(Le) as usize..);
            if let Some(index) = name.filter(|_| is_defined).and_then(index) {
                addresses[index] = Some(symbol.st_value.get(Le));
            }
        }
        Ok(Some(addresses))
    }
}

/// Which of [`NAMES`] stands here, up to its NUL.
fn index(name: &[u8]) -> Option<usize> {
    if !name.starts_with(b"SSL_") {
        return None;
    }
    let end = name.iter().take(32).position(|byte| *byte == 0)?;
    NAMES
        .iter()
        .position(|known| known.as_bytes() == &name[..end])
}

fn segments(file: &File, header: &FileHeader64<Le>) -> io::Result<Vec<ProgramHeader64<Le>>> {
    table(
        file,
        header.e_phoff.get(Le),
        u64::from(header.e_phnum.get(Le)),
    )
}

/// The file offset of an address: the kernel takes no other.
fn offset(segments: &[ProgramHeader64<Le>], address: u64) -> Option<u64> {
    segments.iter().find_map(|segment| {
        let inside = address.checked_sub(segment.p_vaddr.get(Le))?;
        let is_loaded = segment.p_type.get(Le) == PT_LOAD && inside < segment.p_filesz.get(Le);
        is_loaded.then(|| segment.p_offset.get(Le).checked_add(inside))?
    })
}

/// `count` entries of a table.
fn table<T: Pod>(file: &File, offset: u64, count: u64) -> io::Result<Vec<T>> {
    let size = count.saturating_mul(size_of::<T>() as u64);
    let bytes = bytes(file, offset, size)?;
    let count = bytes.len() / size_of::<T>();
    let (entries, _) = pod::slice_from_bytes(&bytes, count)
        .map_err(|()| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(entries.to_vec())
}

fn bytes(file: &File, offset: u64, size: u64) -> io::Result<Vec<u8>> {
    let past_end = offset.saturating_add(size) > file.metadata()?.len();
    if size > TABLE_BYTES || past_end {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let size = usize::try_from(size).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{io::Write, process::Command};

    use super::*;

    /// Addresses of the functions as nm prints them, of a library whose segments it maps where they are in the file.
    fn by_nm(path: &str, option: &str) -> Vec<(String, u64)> {
        let output = Command::new("nm")
            .args([option, "--defined-only", path])
            .output()
            .expect("nm is there");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("nm prints text");
        let line = |line: &str| {
            let mut words = line.split_whitespace();
            let address = u64::from_str_radix(words.next()?, 16).ok()?;
            let name = words.nth(1)?.split('@').next()?.to_owned();
            NAMES.contains(&name.as_str()).then_some((name, address))
        };
        text.lines().filter_map(line).collect()
    }

    #[test]
    fn the_systems_libssl_has_them_where_nm_says() {
        let path = "/usr/lib/x86_64-linux-gnu/libssl.so.3";
        let found = find(&File::open(path).expect("libssl is installed"))
            .expect("it can be read")
            .expect("it has the functions");
        let expected = by_nm(path, "--dynamic");
        assert!(expected.len() >= 5, "{expected:?}");
        for (name, address) in expected {
            let index = NAMES.iter().position(|known| *known == name);
            let found = found[index.expect("by_nm gives no other")];
            assert_eq!(found, Some(address), "{name}");
        }
    }

    #[test]
    fn what_is_no_library_of_openssl_has_none() {
        for path in ["/bin/sh", "/etc/passwd", "/dev/null"] {
            let found = find(&File::open(path).expect("it is there")).expect("it can be read");
            assert_eq!(found, None, "{path}");
        }
    }

    #[test]
    fn damaged_tables_are_an_error_or_nothing_and_never_a_panic() {
        let whole = std::fs::read("/usr/lib/x86_64-linux-gnu/libssl.so.3").expect("libssl");
        for place in (0..64).chain([whole.len() / 2]) {
            for value in [0, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[place] = value;
                let mut file = tempfile::tempfile().expect("a file");
                file.write_all(&damaged).expect("room for it");
                drop(find(&file));
                file.set_len(place as u64 * 100).expect("it shrinks");
                drop(find(&file));
            }
        }
    }
}
