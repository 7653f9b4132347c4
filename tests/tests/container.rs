//! A program in a container of runc: it runs with what whittle recommends for it, and with nothing less.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use whittle_tests::{peer::peer, recorded};

/// What container engines let a container have, without which nothing would be shown by leaving some out.
const ENGINE_CAPABILITIES: [&str; 6] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];
/// Calls that the service needs and the runtime does not. Others, such as `rseq`, the C library can do without.
const OWN_CALLS: [&str; 4] = ["bind", "chown", "socket", "sysinfo"];

/// What a container is confined to.
#[derive(Clone, Debug)]
struct Confinement {
    capabilities: Vec<String>,
    is_root_read_only: bool,
    writable: Vec<String>,
    seccomp: Option<Value>,
    no_new_privs: bool,
}

/// A folder with a root file system that holds the service and its settings.
struct Container {
    folder: tempfile::TempDir,
}

impl Container {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().join("rootfs");
        for inner in ["etc", "tmp", "proc", "var/lib/service"] {
            fs::create_dir_all(root.join(inner))?;
        }
        fs::write(root.join("etc/service.conf"), "port 80\n")?;
        let source = peer("service.c");
        let compiled = Command::new("gcc")
            .args(["-static", "-O1", "-o"])
            .arg(root.join("service"))
            .arg(source)
            .output()
            .context("gcc cannot be started: install it")?;
        ensure!(compiled.status.success(), "{}", shown(&compiled));
        Ok(Self { folder })
    }

    /// The folder that runc runs, for this confinement.
    fn bundle(&self, confinement: &Confinement) -> Result<PathBuf> {
        let folder = |path: &String| json!({"destination": path, "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]});
        let mut mounts = vec![json!({"destination": "/proc", "type": "proc", "source": "proc"})];
        mounts.extend(confinement.writable.iter().map(folder));
        let kinds = ["mount", "pid", "network", "ipc", "uts"];
        let namespaces: Vec<_> = kinds.iter().map(|kind| json!({"type": kind})).collect();
        let set = &confinement.capabilities;
        let mut linux = json!({"namespaces": namespaces});
        if let Some(seccomp) = &confinement.seccomp {
            linux["seccomp"] = seccomp.clone();
        }
        let config = json!({
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": 0, "gid": 0},
                "args": ["/service"],
                "env": ["PATH=/"],
                "cwd": "/",
                "capabilities": {"bounding": set, "effective": set, "permitted": set},
                "noNewPrivileges": confinement.no_new_privs,
            },
            "root": {
                "path": self.folder.path().join("rootfs"),
                "readonly": confinement.is_root_read_only,
            },
            "mounts": mounts,
            "linux": linux,
        });
        let bundle = self.folder.path().join("bundle");
        fs::create_dir_all(&bundle)?;
        fs::write(bundle.join("config.json"), config.to_string())?;
        Ok(bundle)
    }

    /// Arguments of runc. The name is like those that engines give, so that the recorder knows a container.
    fn runc(&self, bundle: &Path) -> Vec<std::ffi::OsString> {
        let name = format!("{:064x}", std::process::id());
        vec![
            "runc".into(),
            "--root".into(),
            self.folder.path().join("state").into(),
            "run".into(),
            "--bundle".into(),
            bundle.into(),
            name.into(),
        ]
    }

    fn run(&self, confinement: &Confinement) -> Result<Output> {
        let arguments = self.runc(&self.bundle(confinement)?);
        Command::new(&arguments[0])
            .args(&arguments[1..])
            .output()
            .context("runc cannot be started: install it")
    }
}

/// Without anything that confines it but what engines do anyway.
fn unconfined() -> Confinement {
    Confinement {
        capabilities: ENGINE_CAPABILITIES.map(str::to_owned).to_vec(),
        is_root_read_only: false,
        writable: Vec::new(),
        seccomp: None,
        no_new_privs: false,
    }
}

/// What whittle recommends, read as a container engine reads it.
fn recommended(data: &Path) -> Result<Confinement> {
    let context: Value = serde_saphyr::from_str(&recommend(data, "security-context")?)?;
    let spec = &context["spec"];
    let container = &spec["containers"][0];
    let security = &container["securityContext"];
    assert_eq!(security["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(spec["automountServiceAccountToken"], false);
    assert_eq!(security["seccompProfile"]["type"], "Localhost");
    let texts = |value: &Value, before: &str| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.filter_map(Value::as_str)
            .map(|text| format!("{before}{text}"))
            .collect()
    };
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    let paths: Vec<Value> = mounts.map(|mount| mount["mountPath"].clone()).collect();
    Ok(Confinement {
        capabilities: texts(&security["capabilities"]["add"], "CAP_"),
        is_root_read_only: security["readOnlyRootFilesystem"] == true,
        writable: texts(&Value::from(paths), ""),
        seccomp: Some(serde_json::from_str(&recommend(data, "seccomp")?)?),
        no_new_privs: security["allowPrivilegeEscalation"] == false,
    })
}

fn recommend(data: &Path, format: &str) -> Result<String> {
    let output = recorded::whittle()?
        .args(["recommend", "--for", "/service", "--as", format, "--data"])
        .arg(data)
        .output()?;
    ensure!(output.status.success(), "{}", shown(&output));
    Ok(String::from_utf8(output.stdout)?)
}

fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}

/// The confinement with one thing less, each thing in turn, with words for it.
fn lessened(whole: &Confinement) -> Vec<(String, Confinement)> {
    let mut less = Vec::new();
    for name in &whole.capabilities {
        let mut one = whole.clone();
        one.capabilities.retain(|other| other != name);
        less.push((name.clone(), one));
    }
    for path in &whole.writable {
        let mut one = whole.clone();
        one.writable.retain(|other| other != path);
        less.push((path.clone(), one));
    }
    for call in OWN_CALLS {
        let mut one = whole.clone();
        let names = one
            .seccomp
            .as_mut()
            .and_then(|profile| profile.pointer_mut("/syscalls/0/names"))
            .and_then(Value::as_array_mut)
            .expect("the profile has a list of names");
        let before = names.len();
        names.retain(|name| name != call);
        assert_eq!(names.len(), before - 1, "{call} is in the profile");
        less.push((format!("the call {call}"), one));
    }
    less
}

#[test]
fn a_container_runs_with_what_is_recommended_and_with_nothing_less() -> Result<()> {
    let container = Container::new()?;
    let output = container.run(&unconfined())?;
    ensure!(output.status.success(), "unconfined: {}", shown(&output));
    for written in ["tmp/scratch", "var/lib/service/state"] {
        fs::remove_file(container.folder.path().join("rootfs").join(written))?;
    }

    let data = container.folder.path().join("data");
    let bundle = container.bundle(&unconfined())?;
    let output = recorded::whittle()?
        .args(["record", "--syscalls", "--out"])
        .arg(&data)
        .arg("--")
        .args(container.runc(&bundle))
        .output()?;
    ensure!(output.status.success(), "recorded: {}", shown(&output));

    let whole = recommended(&data)?;
    assert_eq!(whole.capabilities, ["CAP_CHOWN", "CAP_NET_BIND_SERVICE"]);
    assert_eq!(whole.writable, ["/tmp", "/var/lib/service"]);
    assert!(whole.is_root_read_only && whole.no_new_privs, "{whole:?}");
    for written in ["tmp/scratch", "var/lib/service/state"] {
        fs::remove_file(container.folder.path().join("rootfs").join(written))?;
    }

    for no_new_privs in [true, false] {
        let confined = Confinement {
            no_new_privs,
            ..whole.clone()
        };
        let output = container.run(&confined)?;
        ensure!(
            output.status.success(),
            "as recommended: {}",
            shown(&output)
        );
        assert_eq!(output.stdout, b"served\n");
    }
    for (what, confinement) in lessened(&whole) {
        let output = container.run(&confinement)?;
        assert!(!output.status.success(), "it runs without {what}");
        assert_eq!(output.stdout, b"", "it serves without {what}");
    }
    Ok(())
}
