//! What is done to a linked object before it is committed: DWARF out, because the kernel reads only BTF and
//! it is four fifths of the file; the digest of the sources in, as a section of its own.

use anyhow::{Context, Result, ensure};
use object::build::elf::{Builder, Section, SectionData};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, elf};

/// The section with the digest: 64 characters of lower-case hex.
pub const SECTION: &str = "whittle.digest";

/// The digest inside `object`; None when it has none.
#[must_use]
pub fn digest(object: &[u8]) -> Option<String> {
    let file = ElfFile64::<object::Endianness>::parse(object).ok()?;
    let content = file.section_by_name(SECTION)?.data().ok()?;
    let text = std::str::from_utf8(content).ok()?;
    (text.len() == 64 && hex::decode(text).is_ok()).then(|| text.to_owned())
}

/// `linked` without DWARF and with `digest` inside.
///
/// # Errors
/// When `linked` is not a 64-bit ELF object, or cannot be written back.
pub fn seal(linked: &[u8], digest: &str) -> Result<Vec<u8>> {
    let mut builder =
        Builder::read64(linked).context("bpf-linker's output is not an ELF object")?;
    for section in &mut builder.sections {
        let name = section.name.to_string();
        section.delete = name.starts_with(".debug_") || name.starts_with(".rel.debug_");
    }
    builder.delete_orphans();
    // LLVM keeps section names in the symbols' string table; the writer wants a table of their own.
    let holds_names = |section: &Section<'_>| matches!(section.data, SectionData::SectionString);
    if !builder.sections.iter().any(holds_names) {
        let names = builder.sections.add();
        names.name = ".shstrtab".into();
        names.sh_type = elf::SHT_STRTAB;
        names.data = SectionData::SectionString;
    }
    let section = builder.sections.add();
    section.name = SECTION.into();
    section.sh_type = elf::SHT_PROGBITS;
    section.sh_addralign = 1;
    section.data = SectionData::Data(digest.as_bytes().to_vec().into());
    let mut sealed = Vec::new();
    builder
        .write(&mut sealed)
        .context("the object cannot be written")?;
    let inside = self::digest(&sealed);
    ensure!(
        inside.as_deref() == Some(digest),
        "the digest does not read back from the object"
    );
    Ok(sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::write::{Object as Made, StandardSection};
    use object::{Architecture, BinaryFormat, Endianness, SectionKind};

    fn linked() -> Vec<u8> {
        let mut made = Made::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
        let text = made.section_id(StandardSection::Text);
        made.append_section_data(text, &[0x95, 0, 0, 0, 0, 0, 0, 0], 8);
        let dwarf = made.add_section(Vec::new(), b".debug_info".to_vec(), SectionKind::Debug);
        made.append_section_data(dwarf, b"/somebody's/folder", 1);
        made.write().expect("an object")
    }

    #[test]
    fn a_sealed_object_has_its_code_and_digest_and_no_dwarf() {
        let of_sources = "0a".repeat(32);
        let sealed = seal(&linked(), &of_sources).expect("a sealed object");
        assert_eq!(digest(&sealed), Some(of_sources));
        let file = ElfFile64::<Endianness>::parse(sealed.as_slice()).expect("an ELF object");
        let code = file
            .section_by_name(".text")
            .expect("the code")
            .data()
            .expect("bytes");
        assert_eq!(code, [0x95, 0, 0, 0, 0, 0, 0, 0]);
        assert!(file.section_by_name(".debug_info").is_none());
        assert!(!sealed.windows(9).any(|bytes| bytes == b"somebody'"));
    }

    #[test]
    fn a_digest_that_is_none_is_refused() {
        assert!(seal(&linked(), "not a digest").is_err());
        assert_eq!(digest(&linked()), None);
    }
}
