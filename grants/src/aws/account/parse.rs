//! JSON to an account: managed policies first, then groups, then whoever has them attached.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Account, AccountError, Attached, Kind, MAX_EXPORT_BYTES, Principal};
use crate::aws::Document;
use crate::aws::document::Json;

const LISTS: [&str; 4] = [
    "UserDetailList",
    "GroupDetailList",
    "RoleDetailList",
    "Policies",
];

type Result<T> = std::result::Result<T, AccountError>;

pub(super) fn account(text: &str) -> Result<Account> {
    let json = export(text)?;
    let mut reader = Reader {
        managed: HashMap::new(),
        groups: HashMap::new(),
    };
    for entry in Entry::all(&json, "Policies", "PolicyName")? {
        if let Some((arn, document)) = entry.managed()? {
            reader.managed.insert(arn, document);
        }
    }
    let principals = |list, kind: Kind| -> Result<Vec<Principal>> {
        let entries = Entry::all(&json, list, kind.name_field())?;
        entries
            .iter()
            .map(|entry| reader.principal(entry, kind))
            .collect()
    };
    let groups = principals("GroupDetailList", Kind::Group)?;
    let roles = principals("RoleDetailList", Kind::Role)?;
    reader.groups = groups
        .iter()
        .map(|group| (group.name.clone(), group.policies.clone()))
        .collect();
    let users = Entry::all(&json, "UserDetailList", Kind::User.name_field())?;
    let users = users
        .iter()
        .map(|entry| reader.principal(entry, Kind::User));
    let users: Vec<Principal> = users.collect::<Result<_>>()?;
    let principals: Vec<Principal> = roles.into_iter().chain(users).chain(groups).collect();
    let places = principals.iter().enumerate();
    Ok(Account {
        by_arn: places
            .map(|(place, principal)| (principal.arn.clone(), place))
            .collect(),
        principals,
    })
}

/// The JSON, if it looks like the export at all.
fn export(text: &str) -> Result<Json> {
    let wrong = |problem: String| Err(AccountError::Export { problem });
    if text.len() > MAX_EXPORT_BYTES {
        let bytes = text.len();
        return wrong(format!(
            "has {bytes} bytes, and {MAX_EXPORT_BYTES} are the most"
        ));
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return wrong("is empty".to_owned());
    }
    let json = match Json::parse(text) {
        Ok(json) => json,
        Err(error) => return wrong(format!("is not JSON ({error})")),
    };
    let Json::Object(members) = &json else {
        return wrong(format!("is {}, and not an object", json.kind()));
    };
    // `Policies` alone is what list-policies prints, and groups may be all that a filter left.
    if LISTS[..3].iter().any(|list| json.get(list).is_some()) {
        return Ok(json);
    }
    let has = |name: &str| json.get(name).is_some();
    let found = members
        .iter()
        .map(|(name, _)| name.as_str())
        .take(4)
        .collect::<Vec<_>>();
    wrong(match found.as_slice() {
        [] => "is an empty object".to_owned(),
        _ if has("Statement") => "is a single policy document, and not an account".to_owned(),
        _ if has("Roles") => {
            "is the output of `aws iam list-roles`, which has no policies".to_owned()
        }
        _ if has("Users") => {
            "is the output of `aws iam list-users`, which has no policies".to_owned()
        }
        _ if has("Groups") => {
            "is the output of `aws iam list-groups`, which has no policies".to_owned()
        }
        _ if has("Policies") => {
            "is the output of `aws iam list-policies`, which has no documents".to_owned()
        }
        _ if has("AttachedPolicies") => {
            "is a list of attached policies, without their documents".to_owned()
        }
        names => format!(
            "has {}, and none of the lists of the export",
            names.join(", ")
        ),
    })
}

/// What entries refer to.
struct Reader {
    /// By ARN. None: the policy has no version that the export holds.
    managed: HashMap<String, Arc<Document>>,
    /// By name.
    groups: HashMap<String, Vec<Attached>>,
}

impl Reader {
    fn principal(&self, entry: &Entry<'_>, kind: Kind) -> Result<Principal> {
        let name = entry.text(kind.name_field())?;
        let mut policies = entry.inline(kind.inline_field())?;
        for attached in entry.list("AttachedManagedPolicies")? {
            policies.push(self.managed(entry, attached)?);
        }
        let groups = match kind {
            Kind::User => entry.texts("GroupList")?,
            Kind::Role | Kind::Group => Vec::new(),
        };
        for group in &groups {
            let of_group = self.groups.get(group).into_iter().flatten();
            policies.extend(of_group.map(|attached| Attached {
                group: Some(group.clone()),
                ..attached.clone()
            }));
        }
        let boundary = entry.json.get("PermissionsBoundary").map(|boundary| {
            let arn = boundary.get("PermissionsBoundaryArn").and_then(Json::text);
            let arn = arn.ok_or_else(|| entry.error("PermissionsBoundary", "names no policy"))?;
            Ok(self.attached(arn, name_of(arn)))
        });
        let trust = entry.json.get("AssumeRolePolicyDocument").map(|document| {
            let document = entry.document("the trust policy", document)?;
            let checked = document.check_of_resource();
            checked.map_err(|error| entry.malformed("the trust policy", error))?;
            Ok(document)
        });
        let profiles = entry.list("InstanceProfileList")?.iter();
        let profile = |profile: &Json| profile.get("Arn").and_then(Json::text).map(str::to_owned);
        Ok(Principal {
            arn: entry.text("Arn")?.to_owned(),
            name: name.to_owned(),
            kind,
            policies,
            boundary: boundary.transpose()?,
            tags: entry.tags()?,
            trust: trust.transpose()?,
            instance_profiles: profiles.filter_map(profile).collect(),
            groups,
        })
    }

    fn managed(&self, entry: &Entry<'_>, attached: &Json) -> Result<Attached> {
        let arn = attached.get("PolicyArn").and_then(Json::text);
        let arn =
            arn.ok_or_else(|| entry.error("AttachedManagedPolicies", "names no PolicyArn"))?;
        let name = attached.get("PolicyName").and_then(Json::text);
        Ok(self.attached(arn, name.unwrap_or_else(|| name_of(arn))))
    }

    fn attached(&self, arn: &str, name: &str) -> Attached {
        Attached {
            name: name.to_owned(),
            arn: Some(arn.to_owned()),
            group: None,
            document: self.managed.get(arn).cloned(),
        }
    }
}

/// `arn:aws:iam::aws:policy/job-function/Billing` is called `Billing`.
fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

impl Kind {
    fn name_field(self) -> &'static str {
        match self {
            Self::Role => "RoleName",
            Self::User => "UserName",
            Self::Group => "GroupName",
        }
    }

    fn inline_field(self) -> &'static str {
        match self {
            Self::Role => "RolePolicyList",
            Self::User => "UserPolicyList",
            Self::Group => "GroupPolicyList",
        }
    }
}

/// One entry of a list, which knows what to call itself.
struct Entry<'a> {
    json: &'a Json,
    called: String,
}

impl<'a> Entry<'a> {
    /// The entries of a list, which may be missing; each is called by its `name` field, or by its place.
    fn all(json: &'a Json, list: &'static str, name: &str) -> Result<Vec<Self>> {
        let entries = match json.get(list) {
            None | Some(Json::Null) => return Ok(Vec::new()),
            Some(Json::List(entries)) => entries,
            Some(other) => {
                let problem = format!("has {list} that is {}, and not a list", other.kind());
                return Err(AccountError::Export { problem });
            }
        };
        let entry = |(place, json): (usize, &'a Json)| {
            let called = match json.get(name).and_then(Json::text) {
                Some(name) => format!("{list} {name}"),
                None => format!("{list} entry {}", place + 1),
            };
            Self { json, called }
        };
        Ok(entries.iter().enumerate().map(entry).collect())
    }

    /// A managed policy: its ARN, and the document of its default version.
    fn managed(&self) -> Result<Option<(String, Arc<Document>)>> {
        let arn = self.text("Arn")?.to_owned();
        let default = self.json.get("DefaultVersionId").and_then(Json::text);
        let versions = self.list("PolicyVersionList")?;
        let is_default = |version: &&Json| {
            let id = version.get("VersionId").and_then(Json::text);
            version.get("IsDefaultVersion") == Some(&Json::Bool(true))
                || (id.is_some() && id == default)
        };
        let version = versions.iter().find(is_default);
        let Some(document) = version.and_then(|version| version.get("Document")) else {
            return Ok(None);
        };
        Ok(Some((arn, self.document("its default version", document)?)))
    }

    /// The policies that are part of a principal.
    fn inline(&self, field: &'static str) -> Result<Vec<Attached>> {
        let mut found = Vec::new();
        for policy in self.list(field)? {
            let name = policy.get("PolicyName").and_then(Json::text);
            let name = name.ok_or_else(|| self.error(field, "has a policy without PolicyName"))?;
            let document = policy.get("PolicyDocument");
            let document =
                document.ok_or_else(|| self.error(field, "has a policy without PolicyDocument"))?;
            found.push(Attached {
                name: name.to_owned(),
                arn: None,
                group: None,
                document: Some(self.document(&format!("the inline policy {name}"), document)?),
            });
        }
        Ok(found)
    }

    fn document(&self, called: &str, json: &Json) -> Result<Arc<Document>> {
        let document = Document::from_json(json);
        document
            .map(Arc::new)
            .map_err(|error| self.malformed(called, error))
    }

    fn malformed(&self, called: &str, error: crate::aws::DocumentError) -> AccountError {
        AccountError::Policy {
            policy: format!("{}, {called}", self.called),
            error: Box::new(error),
        }
    }

    fn tags(&self) -> Result<Vec<(String, String)>> {
        let tag = |tag: &Json| {
            let text = |name| tag.get(name).and_then(Json::text).map(str::to_owned);
            Some((text("Key")?, text("Value")?))
        };
        Ok(self.list("Tags")?.iter().filter_map(tag).collect())
    }

    fn texts(&self, field: &'static str) -> Result<Vec<String>> {
        let list = self.list(field)?;
        Ok(list
            .iter()
            .filter_map(Json::text)
            .map(str::to_owned)
            .collect())
    }

    /// A list, which may be missing.
    fn list(&self, field: &'static str) -> Result<&'a [Json]> {
        match self.json.get(field) {
            None | Some(Json::Null) => Ok(&[]),
            Some(Json::List(list)) => Ok(list),
            Some(other) => Err(self.error(field, format!("is {}, and not a list", other.kind()))),
        }
    }

    fn text(&self, field: &'static str) -> Result<&'a str> {
        let text = self.json.get(field).and_then(Json::text);
        text.ok_or_else(|| self.error(field, "is missing, or no string"))
    }

    fn error(&self, field: &'static str, problem: impl Into<String>) -> AccountError {
        AccountError::Entry {
            entry: self.called.clone(),
            field,
            problem: problem.into(),
        }
    }
}
