//! The committed BPF object was built from the sources beside it. Stable Rust alone tells.

use std::fs;

use xtask::ebpf;

#[test]
fn the_committed_object_is_built_from_these_sources() {
    let repository = xtask::places::repository();
    ebpf::compare_digest(&repository).unwrap_or_else(|error| panic!("{error:#}"));
}

#[test]
fn the_file_beside_the_object_belongs_to_it() {
    let repository = xtask::places::repository();
    let object = fs::read(repository.join(ebpf::OBJECT)).expect("the object is committed");
    let text =
        fs::read_to_string(repository.join(ebpf::IDENTITY)).expect("its identity is committed");
    let identity = ebpf::identity::Identity::from_text(&text).expect("the identity is readable");
    assert_eq!(ebpf::object::digest(&object), Some(identity.sources));
}

#[test]
fn an_object_without_a_digest_is_not_taken_for_one_with() {
    assert_eq!(ebpf::object::digest(b"\x7fELF"), None);
    let program = fs::read("/proc/self/exe").expect("this program is readable");
    assert_eq!(ebpf::object::digest(&program), None);
}
