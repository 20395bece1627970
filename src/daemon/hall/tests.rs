//! Racing threads against one hall.
