//! How a database answers questions to an archive: by which indexes.

use std::fmt::{Debug, Write as _};

use super::made::Archive;
use super::numbers::Numbers;
use super::questions::KINDS;
use crate::name::{NameKind, Typed};
use crate::search::{Ask, ROWS_LOOKED_AT_MAX, Statement, names_sharing, walk};
use crate::{Search, SearchOrder, SearchRequest};

/// Questions of each kind, in each order.
const PICKS: u64 = 3;
/// Set to anything, this variable makes tests write the plans anew.
const WRITE: &str = "RAIDCAST_WRITE_PLANS";

/// A database that tells how it would answer.
pub trait Explain: Ask<Error: Debug> {
    /// A statement's plan: a line for each step, as deep as it stands, and nothing that differs from value to value.
    fn explain(&mut self, statement: Statement) -> impl Future<Output = String> + Send;
}

/// A statement and how it would be answered.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its text.
    pub sql: String,
    /// How.
    pub plan: String,
    /// The index that it is to walk.
    pub walks: &'static str,
    /// Whether some thousand rows at the most are sorted: they are few, of several terms, or counted.
    pub may_sort: bool,
}

struct Explaining<'a, E, C> {
    database: &'a mut E,
    check: &'a C,
    order: SearchOrder,
    plans: Vec<String>,
}

impl<E: Explain, C: Fn(&Planned) + Sync> Ask for Explaining<'_, E, C> {
    type Error = E::Error;

    async fn rows(&mut self, statement: Statement) -> Result<Vec<(i64, i64)>, E::Error> {
        let plan = self.database.explain(statement.clone()).await;
        let sql = &statement.sql;
        let column = self.order.column();
        let is_few = sql.contains(&format!("(t.{column} + 0)"));
        let counts_few = sql.starts_with("SELECT s.") && !sql.contains(&format!("ORDER BY t.{column}"));
        let walks = match is_few || sql.starts_with("WITH ") {
            // Of less than is looked at all is taken, in whichever order.
            true => "search_by_",
            false => index(if counts_few { SearchOrder::Started } else { self.order }),
        };
        let may_sort = is_few || sql.contains("DISTINCT") || sql.starts_with("WITH ");
        (self.check)(&Planned { sql: sql.clone(), plan: plan.clone(), walks, may_sort });
        if !self.plans.contains(&plan) {
            self.plans.push(plan);
        }
        self.database.rows(statement).await
    }
}

fn index(order: SearchOrder) -> &'static str {
    match order {
        SearchOrder::Started => "search_by_started",
        SearchOrder::Created => "search_by_created",
        SearchOrder::Duration => "search_by_duration",
        SearchOrder::Dps => "search_by_dps",
    }
}

/// Asks questions of all kinds, checks how each is answered, and tells the plans of the first of each kind.
///
/// # Panics
/// A question is not answered.
pub async fn plans<E: Explain>(
    store: &impl Search,
    database: &mut E,
    archive: &Archive,
    check: impl Fn(&Planned) + Sync,
) -> String {
    let mut text = format!(
        "Plans of searches among {} encounters: of the first of each kind, in each order that has others.\n\
         Written by tests/plans.rs.\n",
        archive.encounters()
    );
    let typed = Typed::new(NameKind::Boss, "ogre").expect("a name");
    let statement = names_sharing(&typed.parts());
    let plan = database.explain(statement.clone()).await;
    let _ = write!(text, "\nnames that are alike\n{plan}");
    // By a primary key, which each calls otherwise.
    check(&Planned { sql: statement.sql, plan, walks: "", may_sort: true });
    for (kind, ask) in KINDS {
        let mut told = Vec::new();
        for pick in 0..PICKS {
            let filters = ask(archive, &mut Numbers::new(pick)).filters(store).await.expect("an answer");
            for order in SearchOrder::ALL {
                let request = SearchRequest {
                    filters: filters.clone(),
                    order,
                    descending: pick % 2 == 0,
                    after: (pick == 1).then(|| archive.place(order, &mut Numbers::new(pick))),
                    skip: if pick == 2 { ROWS_LOOKED_AT_MAX - 50 } else { 0 },
                    take: 50,
                    count: pick != 1,
                    look: ROWS_LOOKED_AT_MAX,
                };
                let mut ask = Explaining { database: &mut *database, check: &check, order, plans: Vec::new() };
                walk(&mut ask, &request).await.expect("an answer");
                let plans = ask.plans.join("  and\n");
                let same = plans.replace(index(order), "[index]").replace(order.column(), "[column]");
                if pick == 0 && !told.contains(&same) {
                    let order = order.column();
                    let _ = write!(text, "\n{kind}, by {order}\n{plans}");
                    told.push(same);
                }
            }
        }
    }
    text
}

/// Compares plans with those that a file keeps, or writes it.
///
/// # Panics
/// They are others.
pub fn same_as_kept(text: &str, file: &str) {
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file, text).expect("the file can be written");
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(kept == text, "other plans than in {file}: look at them, and write them with {WRITE}=1\n{text}");
}
