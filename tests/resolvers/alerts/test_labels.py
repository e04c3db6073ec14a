"""What labels mean: templates, severities, and mappings that cannot be used."""

from pathlib import Path

import pytest

from datasources.files.mappings.alerts import AlertMapping, AlertMappingError, ItemTemplate, load_alert_mapping
from resolvers.alerts.labels import map_items, map_severity


def mapping(*templates: tuple[str, str]) -> AlertMapping:
    return AlertMapping(items=tuple(ItemTemplate(*each) for each in templates))


def keys(labels: dict[str, str], *templates: tuple[str, str]) -> list[tuple[str, str]]:
    return [(key.source, key.key) for key in map_items(mapping(*templates), labels)]


def test_templates_are_filled_in_their_order() -> None:
    labels = {"service": "shop", "env": "prod", "empty": ""}
    assert keys(labels, ("cmdb", "{{service}}"), ("{{env}}", "{{ service }}-{{env}}"), ("cmdb", "fixed")) == [
        ("cmdb", "shop"), ("prod", "shop-prod"), ("cmdb", "fixed"),
    ]  # fmt: skip
    # One that lacks a label is passed over, and a key stands once.
    assert keys(labels, ("cmdb", "{{job}}"), ("cmdb", "{{empty}}"), ("cmdb", "shop"), ("cmdb", "{{service}}")) == [
        ("cmdb", "shop")
    ]


def test_names_that_are_not_classic_stand_in_quotes() -> None:
    labels = {"service.name": "redis", "host.name": "db-1:9100", 'od"d}}': "x", "back\\slash": "y", "größe": "XL"}
    assert keys(
        labels,
        ("otel", '{{"service.name"}}'), ("otel", '{{ "host.name".host }}'), ("s", '{{"host.name"}}'),
        ("s", '{{"od\\"d}}"}}-{{"back\\\\slash"}}'), ("s", '{{"größe"}}'), ("s", '{{"service.version"}}'),
    ) == [("otel", "redis"), ("otel", "db-1"), ("s", "db-1:9100"), ("s", "x-y"), ("s", "XL")]  # fmt: skip
    # Classic names may be quoted as well; then a suffix within the quotes is a part of the name.
    labels = {"instance": "a:1", "instance.host": "b"}
    assert keys(labels, ("s", '{{"instance".host}}'), ("s", '{{"instance.host"}}')) == [("s", "a"), ("s", "b")]


def test_a_value_is_never_read_as_a_template() -> None:
    assert keys({"a": "{{b}}", "b": "x"}, ("s", "{{a}}")) == [("s", "{{b}}")]


@pytest.mark.parametrize(
    ("instance", "host"),
    [
        ("redis-01:9121", "redis-01"),
        ("redis-01", "redis-01"),
        ("10.0.0.1:80", "10.0.0.1"),
        ("[fd00::1]:9100", "fd00::1"),
        ("fd00::1", "fd00::1"),
        ("redis-01:admin", "redis-01:admin"),
        (":9100", ":9100"),
    ],
)
def test_a_host_is_an_instance_without_its_port(instance: str, host: str) -> None:
    assert keys({"instance": instance}, ("s", "{{instance.host}}")) == [("s", host)]


def test_a_key_that_no_item_can_have_is_passed_over() -> None:
    assert keys({"a": "x" * 451}, ("s", "{{a}}")) == []
    assert keys({"a": "x" * 201}, ("{{a}}", "k"), ("s", "{{a}}")) == [("s", "x" * 201)]


@pytest.mark.parametrize(
    ("severity", "levels"),
    [
        ("critical", (1, 1)), ("CRITICAL", (1, 1)), ("page", (1, 1)), ("error", (2, 2)), ("warning", (3, 3)),
        ("info", (4, 4)), ("none", (4, 4)), ("s2", (2, 2)), ("purple", (3, 3)), (None, (3, 3)),
    ],
)  # fmt: skip
def test_severities_of_the_mapping_that_ships(severity: str | None, levels: tuple[int, int]) -> None:
    found = map_severity(load_alert_mapping(), {} if severity is None else {"severity": severity})
    assert (found.impact, found.urgency) == levels


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("items: [", "not readable as YAML: did not find expected node content on line 2"),
        ("", "the file is empty; it needs a document"),
        ("items: []\nitems: []", "key 'items' is on line 1 and again on line 2"),
        ("items: &i [*i]", "alias *i on line 1 is inside its own anchor"),
        ("items: !!python/name:os.system []", "tag tag:yaml.org,2002:python/name:os.system on line 1 is not read"),
        ("items: " + "[" * 2_000, "nested more than 1,000 levels deep on line 1"),
        ("[]", "Expected `object`, got `array`"),
        ("{}", "Object missing required field `items`"),
        ("items: [{source: s}]", "Object missing required field `key` - at `$.items[0]`"),
        ("items: [{source: s, key: k, colour: red}]", "Object contains unknown field `colour` - at `$.items[0]`"),
        ("items: []\nseverity: {levels: {x: {impact: 0, urgency: 1}}}",
         "Expected `int` >= 1 - at `$.severity.levels[...].impact`"),
        ("items: [{source: s, key: '{{a b}}'}]", "'{{a b}}' is no template"),
        ("items: [{source: '{{x.port}}', key: k}]", "'{{x.port}}' is no template"),
        ("items: [{source: s, key: '{{x|upper}}'}]", "'{{x|upper}}' is no template"),
        ("items: [{source: s, key: '{{service.name}}'}]", "'{{service.name}}' is no template"),
        ("items: [{source: s, key: '{{\"a}}'}]", "'{{\"a}}' is no template"),
        ("items: [{source: s, key: '{{\"\"}}'}]", "'{{\"\"}}' is no template"),
        ("items: [{source: s, key: '{x}'}]", "'{x}' is no template; write labels as {{service}} or {{instance.host}}"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_used_says_why(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    with pytest.raises(AlertMappingError) as caught:
        load_alert_mapping(path)
    assert str(path) in str(caught.value)
    assert problem in str(caught.value)


def test_words_of_a_mapping_stay_as_they_are_written(tmp_path: Path) -> None:
    """YAML 1.1 makes false of no, 10 of 012, and 45,045 of 12:30:45."""
    path = tmp_path / "alerts.yaml"
    text = (
        "items: [{source: on, key: 012}, {source: no, key: 12:30:45}, {source: 2026-07-01, key: 1_000}]\n"
        "severity: {label: off, levels: {yes: {impact: 1, urgency: 2}, no: {impact: 4, urgency: 5}}}\n"
    )
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    found = load_alert_mapping(path)
    assert [(each.source, each.key) for each in found.items] == [
        ("on", "012"), ("no", "12:30:45"), ("2026-07-01", "1_000"),
    ]  # fmt: skip
    assert (found.severity.label, sorted(found.severity.levels)) == ("off", ["no", "yes"])
    assert map_severity(found, {"off": "No"}).impact == 4


def test_a_mapping_that_is_not_text_says_so(tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_bytes(b"items: []\n# \xff\n")
    with pytest.raises(AlertMappingError, match="can't decode byte 0xff"):
        load_alert_mapping(path)


def test_a_mapping_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(AlertMappingError, match="cannot be read: No such file or directory"):
        load_alert_mapping(tmp_path / "none.yaml")
