"""Responses of trusted documents as text: values, tables, rows with tables of their own, and nothing for a terminal."""

from commands.output.tables import MAX_CELL, format_response


def test_an_object_has_a_line_for_each_value_and_a_table_for_each_list() -> None:
    data = {
        "team": {
            "id": "team_1", "name": "payments", "contact": None, "isActive": True, "owner": {"key": "a"},
            "members": [{"role": "LEAD", "user": {"name": "Ada", "email": "ada@example.com"}}],
            "items": {"totalCount": 2, "limit": None, "nodes": [{"id": "ci_1", "name": "a"}, {"name": "bc"}]},
        }
    }  # fmt: skip
    assert format_response(data) == (
        "name: payments\ncontact: -\nis active: yes\nowner: a\n\n"
        "members:\n  role  user\n  LEAD  name Ada, email ada@example.com\n\n"
        "items (total count: 2):\n  name\n  a\n  bc"
    )


def test_edges_have_the_fields_of_their_nodes() -> None:
    data = {"item": {"dependents": {"edges": [{"depth": 1, "node": {"id": "ci_1", "name": "a", "tags": ["x", "y"]}}]}}}
    assert format_response(data) == "dependents:\n  depth  name  tags\n  1      a     x, y"


def test_rows_with_lists_of_objects_have_tables_of_their_own() -> None:
    steps = [{"state": "WAITING", "step": {"name": "agree", "configuration": {"team": "a", "approvals": 2}}}]
    data = {"runs": {"nodes": [{"number": "RUN1", "steps": steps}]}}
    assert format_response(data) == (
        "runs:\n  number: RUN1\n\n  steps:\n    state    name   configuration\n    WAITING  agree  team a, approvals 2"
    )


def test_nothing_and_no_rows() -> None:
    assert format_response({"incident": None, "teams": {"nodes": []}}) == "incident: -\n\nteams:\n  none"


def test_cells_are_short_and_have_no_control_characters() -> None:
    text = format_response({"team": {"name": "\x1b[31m" + "a" * 100, "contact": "b\nc"}})
    # The control character was one of the letters that were counted.
    assert text == "name: [31m" + "a" * (MAX_CELL - 6) + "…\ncontact: b c"
