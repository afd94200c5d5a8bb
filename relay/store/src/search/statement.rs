//! The text of searches, which SQLite and PostgreSQL read alike: so that both look at the same rows, and find the same.
//!
//! One invariant: what somebody typed is bound, never part of a text. What is only to be there is asked for by a subquery
//! with a limit, not by `EXISTS`: of that SQLite 3.51 makes a join, which counts a row that `OFFSET` passes over as often as
//! it matches. Deliberately not here: who runs it.

use std::fmt::Write as _;

use super::marks::Wanted;
use super::{
    Between, Filters, LOOKS_OF_A_ROW_ELSEWHERE, NAMES_PROPOSED_MAX, PARTS_LOOKED_AT_MAX, SearchKey, SearchOrder,
    SearchRequest, Term,
};
use crate::name::NameParts;

/// The encounter of the row that says how many there are: none has it.
pub(super) const COUNTED: i64 = -1;

/// What stands for `$n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bind {
    /// A number.
    Number(i64),
    /// Text.
    Text(String),
}

/// A text and what is bound to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// With `$1`, `$2` and so on.
    pub sql: String,
    /// In this order.
    pub binds: Vec<Bind>,
}

impl Statement {
    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn bind(&mut self, bind: Bind) {
        self.binds.push(bind);
        let _ = write!(self.sql, "${}", self.binds.len());
    }

    fn number(&mut self, number: i64) {
        self.bind(Bind::Number(number));
    }

    fn one_of(&mut self, terms: &[Term]) {
        self.push(" IN (");
        for (at, term) in terms.iter().enumerate() {
            self.push(if at == 0 { "" } else { ", " });
            self.number(term.0);
        }
        self.push(")");
    }

    /// ` AND what >= from AND what <= to`.
    fn between(&mut self, what: &str, (from, to): Between) {
        for (bound, sign) in [(from, ">="), (to, "<=")] {
            if let Some(bound) = bound {
                let _ = write!(self.sql, " AND {what} {sign} ");
                self.number(bound);
            }
        }
    }

    /// From and to, and from and to these places: of two bounds on one side only the nearer one stands there, or a
    /// database would begin at the other.
    fn within(&mut self, what: &str, (from, to): Between, places: &[(&str, Option<SearchKey>)]) {
        for (bound, side) in [(from, '>'), (to, '<')] {
            let place = places.iter().find(|(sign, _)| sign.starts_with(side));
            let nearer =
                place.and_then(|(sign, place)| Some((sign, place.filter(|place| is_inside(place, bound, side))?)));
            let Some((sign, place)) = nearer else {
                self.between(what, if side == '>' { (bound, None) } else { (None, bound) });
                continue;
            };
            let _ = write!(self.sql, " AND ({what}, t.encounter) {sign} (");
            self.number(place.value);
            self.push(", ");
            self.number(place.encounter);
            self.push(")");
        }
    }
}

/// Whether a place lies within the lower bound of an order (`>`), or the upper one (`<`).
fn is_inside(place: &SearchKey, bound: Option<i64>, side: char) -> bool {
    bound.is_none_or(|bound| if side == '>' { place.value >= bound } else { place.value <= bound })
}

/// Names that share enough parts: rows of a term and a name.
pub fn names_sharing(asked: &NameParts) -> Statement {
    let mut statement = Statement::default();
    statement.push("SELECT n.term, n.name FROM search_names n WHERE n.listed > 0 AND n.term = ");
    statement.number(Term::name(asked.kind, &asked.text).0);
    statement.push(
        " UNION SELECT f.term, f.name FROM (SELECT n.term, n.name FROM (SELECT l.term, count(*) AS shared FROM (SELECT p.term FROM search_parts p WHERE p.part IN (",
    );
    for (at, part) in asked.parts.iter().enumerate() {
        statement.push(if at == 0 { "" } else { ", " });
        statement.number(*part);
    }
    let _ = write!(statement.sql, ") LIMIT {PARTS_LOOKED_AT_MAX}) AS l GROUP BY l.term HAVING count(*) >= ");
    statement.number(asked.at_least.into());
    let _ = write!(
        statement.sql,
        " ORDER BY count(*) DESC, l.term LIMIT {NAMES_PROPOSED_MAX}) AS c JOIN search_names n ON n.term = c.term WHERE n.listed > 0) AS f"
    );
    statement
}

/// The groups of terms of which an encounter has one each, the one first that the fewest have. A player's come before all
/// others: of the first alone it is asked whether the fight is listed by it.
pub(super) fn groups(filters: &Filters) -> Vec<Vec<Term>> {
    let player = &filters.player;
    let groups = [
        player.key.as_deref().map(|key| vec![Term::player(key)]),
        player.names.clone(),
        filters.bosses.clone(),
        filters.scene.map(|scene| vec![scene]),
        filters.scene_id.map(|id| vec![Term::scene_id(id)]),
    ];
    let groups: Vec<_> = groups.into_iter().flatten().collect();
    if groups.is_empty() { vec![vec![Term::ALL]] } else { groups }
}

/// What is looked at of the terms that are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// All of it: that is not much.
    All,
    /// In the order that was asked for, up to this place; to the end where there is none.
    To(Option<SearchKey>),
}

/// The texts of one question.
pub(super) struct Texts<'a> {
    request: &'a SearchRequest,
    groups: Vec<Vec<Term>>,
    marks: Wanted,
}

impl<'a> Texts<'a> {
    pub(super) fn new(request: &'a SearchRequest) -> Self {
        Self { request, groups: groups(&request.filters), marks: Wanted::of(&request.filters) }
    }

    /// Whether one of the groups is empty, so that nothing can be found.
    pub(super) fn is_nothing(&self) -> bool {
        self.groups.iter().any(Vec::is_empty)
    }

    fn walked(&self) -> &[Term] {
        &self.groups[0]
    }

    /// Rows that are looked at of each term.
    fn each(&self) -> usize {
        let of_a_row = if self.is_all_there() { 1 } else { LOOKS_OF_A_ROW_ELSEWHERE };
        ((self.request.look / of_a_row) as usize / self.walked().len()).max(1)
    }

    /// Whether all that is asked of a fight stands in the order's own rows.
    fn is_all_there(&self) -> bool {
        let is_of_another = |order| order != self.request.order && self.part(order) != (None, None);
        let is_other_time = is_of_another(SearchOrder::Started) || is_of_another(SearchOrder::Duration);
        self.groups.len() == 1 && self.marks.difficulty_is_exact && !self.is_of_one_player() && !is_other_time
    }

    /// Whether more is asked of one and the same player than a term and its marks tell.
    fn is_of_one_player(&self) -> bool {
        let player = &self.request.filters.player;
        let is_class_of_spec = player.class_id.is_some() && player.class_spec.is_some();
        let is_name_of_key = player.key.is_some() && player.names.is_some();
        is_name_of_key || is_class_of_spec || !self.marks.class_is_exact || !self.marks.spec_is_exact
    }

    fn direction(&self) -> &'static str {
        if self.request.descending { "DESC" } else { "ASC" }
    }

    /// The signs of what comes after a place, and of what comes up to it.
    fn signs(&self) -> (&'static str, &'static str) {
        if self.request.descending { ("<", ">=") } else { (">", "<=") }
    }

    /// What is walked of an order: a part of it, where the question is about what it is ordered by.
    fn part(&self, order: SearchOrder) -> Between {
        let filters = &self.request.filters;
        match order {
            SearchOrder::Started => filters.started_at_ms,
            SearchOrder::Duration => filters.duration_ms,
            SearchOrder::Created | SearchOrder::Dps => (None, None),
        }
    }

    /// Whether a time is asked for in another order than that of times: there may be few fights in it.
    pub(super) fn may_be_few(&self) -> bool {
        self.request.order != SearchOrder::Started && self.part(SearchOrder::Started) != (None, None)
    }

    /// A row for each term that has more rows of that time than are looked at.
    pub(super) fn more_than_few(&self) -> Statement {
        self.each_term(SearchOrder::Started, "ASC", self.each(), None)
    }

    /// The last row that is looked at of each term that has so many.
    pub(super) fn last(&self) -> Statement {
        self.each_term(self.request.order, self.direction(), self.each() - 1, self.request.after)
    }

    /// The row of each term behind so many others of an order. Many terms are one subquery, not one text each: PostgreSQL
    /// takes longer to plan twenty of them than to go through their rows.
    fn each_term(&self, order: SearchOrder, direction: &str, offset: usize, after: Option<SearchKey>) -> Statement {
        let mut statement = Statement::default();
        let column = format!("t.{}", order.column());
        let _ = write!(statement.sql, "SELECT s.{}, s.encounter FROM (VALUES ", order.column());
        for (at, term) in self.walked().iter().enumerate() {
            statement.push(if at == 0 { "(" } else { "), (" });
            statement.number(term.0);
        }
        let _ = write!(
            statement.sql,
            ")) AS w JOIN search_terms s ON s.term = w.column1 AND s.encounter = (
             SELECT t.encounter FROM search_terms t WHERE t.term = w.column1 AND t.listed"
        );
        statement.within(&column, self.part(order), &[(self.signs().0, after)]);
        let _ =
            write!(statement.sql, " ORDER BY {column} {direction}, t.encounter {direction} LIMIT 1 OFFSET {offset})");
        statement
    }

    /// Places of what is found, one more than is to be given.
    pub(super) fn found(&self, window: Window) -> Statement {
        let mut statement = Statement::default();
        let what = self.ordered_by(window);
        let distinct = if self.walked().len() > 1 { "DISTINCT " } else { "" };
        let _ = write!(statement.sql, "SELECT {distinct}{what} AS place, t.encounter AS encounter");
        self.wanted(&mut statement, window, &what);
        let direction = self.direction();
        // The name of a column that is given would be no longer what the index is of.
        let order = if distinct.is_empty() { what } else { "1".to_owned() };
        let encounter = if distinct.is_empty() { "t.encounter" } else { "2" };
        let (take, skip) = (self.request.take + 1, self.request.skip);
        let _ =
            write!(statement.sql, " ORDER BY {order} {direction}, {encounter} {direction} LIMIT {take} OFFSET {skip}");
        statement
    }

    /// The same, and how many there are to be found: a row that has [`COUNTED`] for its encounter. So rows of other tables
    /// are looked at once for both.
    pub(super) fn found_and_counted(&self, window: Window) -> Statement {
        let mut statement = Statement::default();
        let what = self.ordered_by(window);
        let distinct = if self.walked().len() > 1 { "DISTINCT " } else { "" };
        statement.push("WITH f AS MATERIALIZED (");
        let _ = write!(statement.sql, "SELECT {distinct}{what} AS place, t.encounter AS encounter");
        self.wanted(&mut statement, window, &what);
        let direction = self.direction();
        let (take, skip) = (self.request.take + 1, self.request.skip);
        let _ = write!(
            statement.sql,
            ") SELECT count(*) AS place, CAST({COUNTED} AS BIGINT) AS encounter FROM f UNION ALL
             SELECT g.place, g.encounter FROM (SELECT place, encounter FROM f
             ORDER BY place {direction}, encounter {direction} LIMIT {take} OFFSET {skip}) AS g"
        );
        statement
    }

    /// By itself it would lead a database to the order's index, where all rows are few.
    fn ordered_by(&self, window: Window) -> String {
        let column = self.request.order.column();
        match window {
            Window::All => format!("(t.{column} + 0)"),
            Window::To(_) => format!("t.{column}"),
        }
    }

    /// ` FROM … WHERE …`.
    fn wanted(&self, statement: &mut Statement, window: Window, what: &str) {
        let SearchRequest { filters, order, after, .. } = self.request;
        let Filters { difficulty, started_at_ms, duration_ms, .. } = filters;
        statement.push(" FROM search_terms t WHERE t.term");
        statement.one_of(self.walked());
        statement.push(" AND t.listed");
        // What is not walked leads a database to no other index.
        let walks = if window == Window::All { SearchOrder::Started } else { *order };
        for (of, between) in [(SearchOrder::Started, *started_at_ms), (SearchOrder::Duration, *duration_ms)] {
            let column = of.column();
            let what = if of == walks { format!("t.{column}") } else { format!("(t.{column} + 0)") };
            if of != *order {
                statement.between(&what, between);
            }
        }
        let (after_sign, to_sign) = self.signs();
        let last = if let Window::To(last) = window { last } else { None };
        statement.within(what, self.part(*order), &[(after_sign, *after), (to_sign, last)]);
        if self.marks.mask != 0 {
            statement.push(" AND (t.marks & ");
            statement.number(self.marks.mask);
            statement.push(") = ");
            statement.number(self.marks.bits);
        }
        statement.between(&Wanted::players_of("t.marks"), self.marks.players);
        // No join: PostgreSQL would begin with all encounters where it thinks that few are as they are to be.
        for terms in &self.groups[1..] {
            statement.push(" AND (SELECT 1 FROM search_terms o WHERE o.encounter = t.encounter AND o.term");
            statement.one_of(terms);
            statement.push(" LIMIT 1) IS NOT NULL");
        }
        if !self.marks.difficulty_is_exact {
            statement.push(" AND (SELECT 1 FROM encounters e WHERE e.row = t.encounter");
            statement.between("e.difficulty", (*difficulty, *difficulty));
            statement.push(" LIMIT 1) IS NOT NULL");
        }
        if self.is_of_one_player() {
            self.player(statement);
        }
    }

    /// One player who is all that is wanted.
    fn player(&self, statement: &mut Statement) {
        let player = &self.request.filters.player;
        statement.push(" AND (SELECT 1 FROM encounter_players p WHERE p.encounter = t.encounter");
        if let Some(key) = &player.key {
            statement.push(" AND p.actor_id = ");
            statement.bind(Bind::Text(key.clone()));
        }
        if let Some(names) = &player.names {
            statement.push(" AND p.name_term");
            statement.one_of(names);
        }
        for (column, number) in [("p.class_id", player.class_id), ("p.class_spec", player.class_spec)] {
            statement.between(column, (number, number));
        }
        statement.push(" LIMIT 1) IS NOT NULL");
    }
}
