//! Requests whose answers tell whose a key is.

use std::borrow::Cow;

use crate::http1::Request;

use super::arn::is_arn;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Instance metadata: keys of the instance's role.
    Instance {
        /// The role's name, which stands in the path.
        role: String,
    },
    /// ECS, EKS Pod Identity and what speaks like them: keys of the container's role.
    Container,
    /// STS: keys of a role.
    AssumeRole {
        /// The role that was asked for.
        role: Option<String>,
    },
    /// STS: keys of the caller, for a time.
    SessionToken,
    /// STS: keys of a federated user.
    FederationToken,
    /// STS: who the caller is.
    CallerIdentity,
}

/// Path of the instance's keys, behind a version such as `/latest` or `/2021-07-15`.
const INSTANCE: &str = "/meta-data/iam/security-credentials/";

impl Question {
    /// What a request asks; None where its answer holds no keys and no name.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        let target = std::str::from_utf8(request.target.expose()).ok()?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match request.method.as_str() {
            "GET" => Self::of_path(path).or_else(|| Self::of_parameters(query.as_bytes())),
            "POST" => Self::of_parameters(request.body.expose())
                .or_else(|| Self::of_parameters(query.as_bytes())),
            _ => None,
        }
    }

    fn of_path(path: &str) -> Option<Self> {
        if let Some((version, role)) = path.split_once(INSTANCE) {
            let is_name = !role.is_empty() && is_arn(role) && !role.contains(['/', ':']);
            let is_version = version.starts_with('/') && !version[1..].contains('/');
            return (is_name && is_version).then(|| Self::Instance {
                role: role.to_owned(),
            });
        }
        // `/v2/credentials/ID` (ECS), `/v1/credentials` (EKS), and paths of one's own behind a full URI.
        path.contains("credential").then_some(Self::Container)
    }

    /// Form parameters of STS. None of its operations is called as another service's is.
    fn of_parameters(form: &[u8]) -> Option<Self> {
        let value = |wanted: &str| -> Option<Cow<'_, str>> {
            form_urlencoded::parse(form).find_map(|(name, value)| (name == wanted).then_some(value))
        };
        match &*value("Action")? {
            "AssumeRole" | "AssumeRoleWithWebIdentity" | "AssumeRoleWithSAML" => {
                let role = value("RoleArn").filter(|role| is_arn(role));
                Some(Self::AssumeRole {
                    role: role.map(Cow::into_owned),
                })
            }
            "GetSessionToken" => Some(Self::SessionToken),
            "GetFederationToken" => Some(Self::FederationToken),
            "GetCallerIdentity" => Some(Self::CallerIdentity),
            _ => None,
        }
    }
}
