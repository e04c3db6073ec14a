"""The reference of the GraphQL schema, from its SDL."""

from collections.abc import Iterable, Mapping

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    get_named_type,
    print_ast,
)

Field = GraphQLField | GraphQLInputField | GraphQLArgument

INTRODUCTION = """# GraphQL schema

Every type, field and argument, generated from [schema.graphql](../../files/schema/schema.graphql). The texts are those
that GraphiQL shows. *Needs* names the permission of a field; [Access control](../../access.md#permissions) lists them.

"""
_ROOTS = {"queries": "Query", "mutations": "Mutation", "subscriptions": "Subscription"}
_KINDS: dict[str, type[GraphQLNamedType]] = {
    "objects": GraphQLObjectType,
    "interfaces": GraphQLInterfaceType,
    "inputs": GraphQLInputObjectType,
    "enums": GraphQLEnumType,
    "scalars": GraphQLScalarType,
}


def sources(sdl: str) -> dict[str, bytes]:
    """Return the pages: one for each root type, one for each kind of the other types, and their index."""
    types = {name: each for name, each in sorted(build_schema(sdl).type_map.items()) if not name.startswith("__")}
    pages = {name: _root_page(name, types.pop(root)) for name, root in _ROOTS.items()}
    for name, kind in _KINDS.items():
        sections = (line for each in types.values() if isinstance(each, kind) for line in _type_section(each))
        pages[name] = [f"# {name.capitalize()}", "", *sections]
    index = f"{INTRODUCTION}```{{toctree}}\n:maxdepth: 1\n\n" + "\n".join(pages) + "\n```\n"
    result = {"index": index} | {name: "\n".join(lines) for name, lines in pages.items()}
    return {f"reference/schema/{name}.md": text.encode() for name, text in result.items()}


def _root_page(title: str, root: GraphQLNamedType) -> list[str]:
    """Return a page with a heading for each field, so that the navigation and the search lead to it."""
    lines = [f"(type-{root.name})=", f"# {title.capitalize()}", ""]
    for name, field in sorted(root.fields.items() if isinstance(root, GraphQLObjectType) else ()):
        lines += [f"## {name}", "", _one_line(field.description), "", f"Returns {_signature(field)}", ""]
        lines += [*_members(field.args), ""]
    return lines


def _type_section(named: GraphQLNamedType) -> list[str]:
    lines = [f"(type-{named.name})=", f"## {named.name}", ""]
    lines += [named.description, ""] if named.description else []
    if isinstance(named, GraphQLObjectType) and named.interfaces:
        lines += ["Implements " + ", ".join(_link(each.name) for each in named.interfaces) + ".", ""]
    if isinstance(named, GraphQLEnumType):
        lines += [f"- `{name}`: {_one_line(value.description)}" for name, value in named.values.items()]
    elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        lines += _members(named.fields)
    return [*lines, ""]


def _members(members: Mapping[str, Field], indent: str = "") -> Iterable[str]:
    for name, member in members.items():
        text = f"\\\n{indent}  {_one_line(member.description)}" if member.description else ""
        yield f"{indent}- **{name}**: {_signature(member)}{text}"
        if isinstance(member, GraphQLField):
            yield from _members(member.args, indent + "  ")


def _signature(member: Field) -> str:
    default = getattr(member.ast_node, "default_value", None)
    permission = _permission(member)
    return "".join(
        [
            _type(member),
            f" = `{print_ast(default)}`" if default else "",
            f" *needs* `{permission}`" if permission else "",
        ]
    )


def _type(member: Field) -> str:
    name = get_named_type(member.type).name
    before, _, after = str(member.type).partition(name)
    return before.replace("[", r"\[") + _link(name) + after.replace("]", r"\]")


def _link(name: str) -> str:
    return f"[{name}](#type-{name})"


def _permission(member: Field) -> str | None:
    directives = (member.ast_node.directives if member.ast_node else None) or ()
    arguments = [argument for each in directives if each.name.value == "needs" for argument in each.arguments or ()]
    return print_ast(arguments[0].value).strip('"') if arguments else None


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
