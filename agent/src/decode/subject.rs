//! Subjects and scripts.

use whittle_schemas::record::subject::{PART_EXECUTABLE, PART_MODULE, PART_SCRIPT, SubjectBody};

use crate::model::{Event, ScriptSeen, SubjectSeen};

use super::{DecodeError, Raw, path};

pub(super) fn decode(raw: &Raw<'_>) -> Result<Event<'static>, DecodeError> {
    let body: SubjectBody = raw.body()?;
    let (asked, walked) = raw.text(&body.text)?;
    let tgid = raw.header.tgid;
    let script = |name| {
        Event::Script(ScriptSeen {
            id: body.subject,
            name,
        })
    };
    match body.part {
        PART_EXECUTABLE => Ok(Event::Subject(SubjectSeen {
            id: body.subject,
            key: body.key,
            granted: body.granted,
            executable: path::of_object(walked, &body.text, tgid),
            tgid,
            parent_tgid: body.parent_tgid,
            start_boottime_ns: body.start_boottime_ns,
            boottime_ns: raw.header.boottime_ns,
        })),
        PART_SCRIPT => Ok(script(path::of_request(asked, walked, &body.text, tgid))),
        PART_MODULE => Ok(script([b"-m ", asked].concat())),
        part => Err(DecodeError::Unknown {
            what: "part of a subject",
            number: part,
        }),
    }
}
