//! Whether a document fits where it stands: a principal's own policies name resources and no principal, those of a resource name
//! principals.

use super::{Document, DocumentError, Place, Statement};

impl Document {
    /// That this can be an identity policy, a boundary, a session policy or a service control policy.
    ///
    /// # Errors
    /// A statement names a principal, or no resource.
    pub fn check_of_principal(&self) -> Result<(), DocumentError> {
        self.check(|statement| match statement {
            Statement {
                principal: Some(_), ..
            } => Some((
                "Principal",
                "has no place in a policy of a principal",
                "take it out, or give the policy as a resource policy",
            )),
            Statement { resource: None, .. } => Some((
                "Resource",
                "is missing",
                "name the resources with Resource or NotResource",
            )),
            _ => None,
        })
    }

    /// That this can be a resource policy, a trust policy or a resource control policy.
    ///
    /// # Errors
    /// A statement names no principal.
    pub fn check_of_resource(&self) -> Result<(), DocumentError> {
        self.check(|statement| match statement.principal {
            None => Some((
                "Principal",
                "is missing",
                "say who may, with Principal or NotPrincipal",
            )),
            Some(_) => None,
        })
    }

    fn check(
        &self,
        wrong: impl Fn(&Statement) -> Option<(&'static str, &'static str, &'static str)>,
    ) -> Result<(), DocumentError> {
        for (index, statement) in self.statements.iter().enumerate() {
            if let Some((field, problem, advice)) = wrong(statement) {
                let place = Place {
                    statement: Some(index + 1),
                    sid: statement.sid.clone().filter(|sid| !sid.is_empty()),
                    field: Some(field.to_owned()),
                };
                return Err(DocumentError::new(place, problem, advice));
            }
        }
        Ok(())
    }
}
