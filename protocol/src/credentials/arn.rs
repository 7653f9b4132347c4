//! Names of principals: from what STS calls a session to the role that it is of.

/// Longest ARN of IAM.
const MOST_ARN: usize = 2_048;

/// Who a key acts as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    /// ARN of the role or the user.
    pub arn: String,
    /// Name of the role's session.
    pub session: Option<String>,
}

impl Principal {
    /// The principal that STS names so. `role` is the role that was asked for: STS leaves out its path.
    #[must_use]
    pub fn of_arn(arn: &str, role: Option<&str>) -> Option<Self> {
        if !is_arn(arn) {
            return None;
        }
        let mut parts = arn.splitn(6, ':');
        let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (_region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
        if prefix != "arn" || !is_account(account) {
            return None;
        }
        let Some(session) = name
            .strip_prefix("assumed-role/")
            .filter(|_| service == "sts")
        else {
            let is_known = ["user/", "role/", "federated-user/", "root"]
                .iter()
                .any(|kind| name.starts_with(kind));
            return is_known.then(|| Self {
                arn: arn.to_owned(),
                session: None,
            });
        };
        let (name, session) = session.split_once('/')?;
        let asked = role.filter(|role| {
            let tail = role.rsplit('/').next();
            tail == Some(name) && account_of(role) == Some(account)
        });
        Some(Self {
            arn: asked.map_or_else(|| role_arn(partition, account, name), str::to_owned),
            session: Some(session.to_owned()),
        })
    }

    /// A role that only its name and its account are known of.
    #[must_use]
    pub fn of_role(name: &str, account: &str) -> Option<Self> {
        let is_named = is_arn(name) && !name.contains(['/', ':']) && is_account(account);
        is_named.then(|| Self {
            arn: role_arn("aws", account, name),
            session: None,
        })
    }
}

fn role_arn(partition: &str, account: &str, name: &str) -> String {
    format!("arn:{partition}:iam::{account}:role/{name}")
}

/// The account in an ARN.
#[must_use]
pub fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| is_account(account))
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is written with what IAM allows in ARNs and names.
#[must_use]
pub fn is_arn(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MOST_ARN
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b":/+=,.@_-".contains(&byte))
}

/// Whether a text can be the id of a key. Secret keys are longer, and mix letters of both cases.
pub(super) fn is_key_id(text: &str) -> bool {
    (16..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
