//! What a dead writer left in its spool becomes Parquet, with a coverage that says the window was cut short.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock, fstat};
use whittle_schemas::{
    record::Family,
    table::{CoverageRow, SubjectRow, Tables},
};

use super::{
    Error, Place, Window, parquet, root,
    spool::{EXTENSION, Frame, MAGIC},
    unspool::Frames,
};

/// What the coverage of a recovered window says.
pub(super) const GAP_REASON: &str = "recorder ended before the window did";

/// What was found in the spools of a data root.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Windows that are Parquet now.
    pub windows: Vec<RecoveredWindow>,
    /// Spools left alone, because their writer lives.
    pub live: usize,
    /// Spools that could not be recovered and are still there, with the reason.
    pub failed: Vec<Error>,
}

/// One window that was recovered.
#[derive(Debug)]
pub struct RecoveredWindow {
    /// The window, up to what is known of it.
    pub window: Window,
    /// Its Parquet files.
    pub files: Vec<PathBuf>,
    /// Bytes at the spool's end that were torn or damaged, and are gone.
    pub torn_bytes: u64,
}

/// Turns the spools of dead writers into Parquet and removes them. `now_us` bounds the end of a window
/// that was to go on.
///
/// # Errors
/// The folder is not whittle's or its spools cannot be listed. A single spool that fails is in
/// [`Recovered::failed`].
pub fn recover(root: &Path, now_us: i64) -> Result<Recovered, Error> {
    root::check(root)?;
    let folder = root::spool_folder(root);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Recovered::default()),
        Err(error) => return Err(Error::of(&folder, error)),
    };
    let mut recovered = Recovered::default();
    for entry in entries {
        let path = entry.map_err(|error| Error::of(&folder, error))?.path();
        if path.extension() != Some(OsStr::new(EXTENSION)) {
            continue;
        }
        match recover_spool(root, &path, now_us) {
            Ok(Spooled::Window(window)) => recovered.windows.push(window),
            Ok(Spooled::Live) => recovered.live += 1,
            Ok(Spooled::Written) => {}
            Err(error) => recovered.failed.push(error),
        }
    }
    recovered
        .windows
        .sort_by_key(|window| window.window.start_us);
    Ok(recovered)
}

enum Spooled {
    /// Its writer holds the lock.
    Live,
    /// Its window was already written; only the spool was left.
    Written,
    /// Its window is written now.
    Window(RecoveredWindow),
}

fn recover_spool(root: &Path, path: &Path, now_us: i64) -> Result<Spooled, Error> {
    let failed = |source| Error::of(path, source);
    let file = File::open(path).map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(Spooled::Live),
        result => result.map_err(|errno| failed(errno.into()))?,
    }
    // Its writer, or another recovery, may have removed it between open and lock.
    if fstat(&file).map_err(|errno| failed(errno.into()))?.st_nlink == 0 {
        return Ok(Spooled::Written);
    }
    let outcome = match read(file, path)? {
        Some(content) => write(root, path, content, now_us)?,
        None => Spooled::Written,
    };
    fs::remove_file(path).map_err(failed)?;
    Ok(outcome)
}

/// A spool's frames, put in order.
struct Content {
    place: Place,
    start_us: i64,
    planned_end_us: Option<i64>,
    tables: Tables,
    torn_bytes: u64,
}

/// None where the writer had recorded nothing yet and no end was planned: nothing is known of that time.
fn read(file: File, path: &Path) -> Result<Option<Content>, Error> {
    let failed = |source| Error::of(path, source);
    let length = file.metadata().map_err(failed)?.len();
    let mut file = BufReader::new(file);
    let mut magic = Vec::new();
    file.by_ref()
        .take(MAGIC.len() as u64)
        .read_to_end(&mut magic)
        .map_err(failed)?;
    if magic != MAGIC {
        return if MAGIC.starts_with(&magic) {
            Ok(None)
        } else {
            Err(Error::Version {
                path: path.to_owned(),
            })
        };
    }
    let mut frames = Frames::of(file);
    let Some(Frame::Window {
        place,
        start_us,
        planned_end_us,
    }) = frames.next().map_err(failed)?
    else {
        return Ok(None);
    };
    let mut tables = Tables::default();
    let mut subjects: BTreeMap<(String, String), SubjectRow> = BTreeMap::new();
    let mut coverage: BTreeMap<String, CoverageRow> = BTreeMap::new();
    let torn_bytes = loop {
        match frames.next().map_err(failed)? {
            Some(Frame::Touched(touched)) => tables.usage.push(touched.into_row(&place)),
            Some(Frame::Usage(row)) => tables.usage.push(row),
            Some(Frame::Subject(row)) => {
                subjects.insert((row.subject_id.clone(), row.instance_id.clone()), *row);
            }
            Some(Frame::Coverage(row)) => {
                coverage.insert(row.family.clone(), row);
            }
            // One that is like another is told as what it is.
            Some(Frame::Window { .. } | Frame::Like(_)) | None => {
                break length.saturating_sub(MAGIC.len() as u64 + frames.whole_bytes());
            }
        }
    };
    if planned_end_us.is_none()
        && tables.usage.is_empty()
        && subjects.is_empty()
        && coverage.is_empty()
    {
        return Ok(None);
    }
    tables.subjects = subjects.into_values().collect();
    tables.coverage = coverage.into_values().collect();
    Ok(Some(Content {
        place,
        start_us,
        planned_end_us,
        tables,
        torn_bytes,
    }))
}

fn write(root: &Path, path: &Path, mut content: Content, now_us: i64) -> Result<Spooled, Error> {
    let name = path
        .file_stem()
        .expect("a file has a name")
        .to_string_lossy();
    // Written last, so that the others stand too: only the spool's removal was missing.
    if parquet::file::<CoverageRow>(root, &content.place, &name, content.start_us).exists() {
        return Ok(Spooled::Written);
    }
    let window = cut_short(&mut content, now_us);
    let files = parquet::write_named(
        root,
        &content.place,
        &name,
        content.start_us,
        parquet::NONE,
        &content.tables,
    )?;
    Ok(Spooled::Window(RecoveredWindow {
        window,
        files,
        torn_bytes: content.torn_bytes,
    }))
}

/// Ends the window where its record ends, and says so in its coverage.
fn cut_short(content: &mut Content, now_us: i64) -> Window {
    let Content {
        place,
        start_us,
        planned_end_us,
        tables,
        ..
    } = content;
    let seen = tables
        .usage
        .iter()
        .map(|row| row.last_seen_us)
        .chain(tables.subjects.iter().map(|row| row.last_seen_us));
    let last_us = seen.fold(*start_us, i64::max);
    let end_us = planned_end_us.map_or(last_us, |planned| planned.min(now_us).max(last_us));
    let window = Window {
        start_us: *start_us,
        end_us,
    };

    for family in Family::ALL {
        let known = tables
            .coverage
            .iter()
            .any(|row| row.family == family.name());
        if !known {
            let mut usage = tables.usage.iter();
            let backend = usage.find_map(|row| backend_of(&row.source, family));
            let row = unsaid(family.name(), backend, place);
            tables.coverage.push(row);
        }
    }
    add_unsaid_calls(place, tables);
    let counted = Family::ALL.map(|family| (family.name(), recorded(family, tables)));
    for row in &mut tables.coverage {
        row.gap_us = row
            .gap_us
            .saturating_add((end_us - last_us).try_into().unwrap_or(0));
        row.gap_reason = Some(GAP_REASON.to_owned());
        let Some((_, recorded)) = counted.iter().find(|(family, _)| *family == row.family) else {
            continue;
        };
        // What the kernel had counted and no spooled row holds died with the recorder.
        let unspooled = row.seen.saturating_sub(recorded + row.lost);
        row.recorded = *recorded;
        row.lost += unspooled;
        row.lost_unresolved += unspooled;
        row.lost_unattributed = row.lost_unattributed.map(|before| before + unspooled);
        row.seen = row.recorded + row.lost;
    }
    for (start, end) in tables
        .usage
        .iter_mut()
        .map(|row| (&mut row.window_start_us, &mut row.window_end_us))
        .chain(
            tables
                .subjects
                .iter_mut()
                .map(|row| (&mut row.window_start_us, &mut row.window_end_us)),
        )
        .chain(
            tables
                .coverage
                .iter_mut()
                .map(|row| (&mut row.window_start_us, &mut row.window_end_us)),
        )
    {
        (*start, *end) = (window.start_us, window.end_us);
    }
    window
}

/// Accesses of a family that the rows hold.
fn recorded(family: Family, tables: &Tables) -> u64 {
    let rows = tables
        .usage
        .iter()
        .filter(|row| backend_of(&row.source, family).is_some());
    rows.map(|row| row.count).sum()
}

/// What calls to a cloud are in `source` and in coverage.
const CLOUD: &str = "cloud";

/// Adds the coverage of calls to a cloud that the spool holds: of these nobody but the recorder knew.
fn add_unsaid_calls(place: &Place, tables: &mut Tables) {
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for row in &tables.usage {
        if let Some((CLOUD, medium)) = row.source.split_once('/') {
            *counted.entry(medium.to_owned()).or_default() += row.count;
        }
    }
    for (medium, recorded) in counted {
        let is_said = |row: &CoverageRow| row.family == CLOUD && row.backend == medium;
        if !tables.coverage.iter().any(is_said) {
            let mut row = unsaid(CLOUD, Some(&medium), place);
            (row.seen, row.recorded) = (recorded, recorded);
            tables.coverage.push(row);
        }
    }
}

/// The backend in a source such as `file/syscall`, where it is one of this family.
fn backend_of(source: &str, family: Family) -> Option<&str> {
    source.strip_prefix(family.name())?.strip_prefix('/')
}

/// The coverage of a family whose recorder died before it wrote one.
fn unsaid(family: &str, backend: Option<&str>, place: &Place) -> CoverageRow {
    CoverageRow {
        window_start_us: 0,
        window_end_us: 0,
        cluster: place.cluster.clone(),
        node: place.node.clone(),
        family: family.to_owned(),
        backend: backend.unwrap_or("unknown").to_owned(),
        backend_reason: "the recorder ended before it said".to_owned(),
        seen: 0,
        recorded: 0,
        lost: 0,
        lost_ring_full: 0,
        lost_subject_unknown: 0,
        lost_object_unknown: 0,
        lost_nested: 0,
        lost_unsupported: 0,
        lost_unresolved: 0,
        map_full: 0,
        truncated: 0,
        gap_us: 0,
        gap_reason: None,
        lost_subjects: None,
        lost_unattributed: None,
        seen_by_cpu: None,
        lost_by_cpu: None,
    }
}
