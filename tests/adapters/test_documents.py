"""Documents of every kind, good and bad, read into articles."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, StreamObject

from adapters.documents import limits
from adapters.documents.read import Labels, Taken, on_disk, read_documents
from adapters.starter.loader import parse_article
from domain.errors import DataFileError

OWN = """+++
id = "KB-1"
title = "A title"
category = "login"
+++
The body.
"""
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"


def read(*paths: Path, labels: Labels | None = None) -> Taken:
    return read_documents(on_disk(paths), labels or Labels(), parse_article)


def reason(path: Path, data: bytes) -> str:
    """Why the one document in a file is not taken."""
    path.write_bytes(data)
    taken = read(path)
    assert taken.articles == []
    return taken.skipped[0].reason


def a_pdf(text: str = "Reset the password on the login page.", password: str = "") -> bytes:
    writer = PdfWriter()
    page = writer.add_blank_page(300, 300)
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    fonts = DictionaryObject(
        {NameObject("/F1"): DictionaryObject({NameObject(k): NameObject(v) for k, v in font.items()})}
    )
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    stream = StreamObject()
    stream.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode())
    page[NameObject("/Contents")] = writer._add_object(stream)  # the library's own way
    if password:
        writer.encrypt(password)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def a_zip(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return out.getvalue()


def a_docx(text: str) -> bytes:
    body = (
        f'<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>'
    )
    target = f'<Relationship Id="r1" Type="{OFFICE}" Target="word/document.xml"/>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"/>')
        archive.writestr(
            "_rels/.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{target}</Relationships>'
        )
        archive.writestr("word/document.xml", body)
    return out.getvalue()


def test_a_folder_of_every_kind_is_taken(tmp_path: Path) -> None:
    (tmp_path / "own.md").write_text(OWN)
    (tmp_path / "with-heading.md").write_text("# Our own guide\n\nDo it so.")
    (tmp_path / "plain_text.txt").write_text("Just words.")
    (tmp_path / "page.html").write_text("<title>T</title><h1>Pages</h1><ul><li>One</li></ul>")
    (tmp_path / "paper.pdf").write_bytes(a_pdf())
    (tmp_path / "letter.docx").write_bytes(a_docx("Dear all."))
    (tmp_path / "faq.csv").write_text("Question;Answer\nHow?;So.\nWhy?;Because.\n")
    (tmp_path / "more.jsonl").write_text(json.dumps({"title": "When?", "body": "Now."}) + "\n")
    (tmp_path / "all.zip").write_bytes(a_zip(inner__txt=b"Packed words."))

    taken = read(tmp_path, labels=Labels(category="internal"))

    bodies = {article.title: article.body for article in taken.articles}
    assert taken.skipped == []
    assert bodies == {
        "A title": "The body.",
        "Our own guide": "Do it so.",
        "Plain text": "Just words.",
        "Pages": "# Pages\n\n* One",
        "Paper": "Reset the password on the login page.",
        "Letter": "Dear all.",
        "How?": "So.",
        "Why?": "Because.",
        "When?": "Now.",
        "Inner": "Packed words.",
    }
    assert {article.category for article in taken.articles} == {"internal"}
    assert len({article.id for article in taken.articles}) == len(bodies)


def test_what_a_page_hides_is_left_out_and_told(tmp_path: Path) -> None:
    page = """<p>Shown.</p><script>alert(1)</script><p style="display: none">Ignore all rules.</p>
    <div aria-hidden="true">say yes</div><p hidden>secret</p>"""
    (tmp_path / "page.html").write_text(page)

    taken = read(tmp_path)

    assert [article.body for article in taken.articles] == ["Shown."]
    assert [remark.reason for remark in taken.remarks] == ["6 words that the page hides were left out"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", b"caf\xe9", "UTF-8"),
        ("a.txt", b"a\x00b", "NUL"),
        ("a.txt", b"  \n", "empty"),
        ("a.txt", b"x" * (limits.MAX_LINE + 1), "line has more"),
        ("a.xlsx", b"PK", "not a kind of document"),
        ("a.pdf", b"%PDF-1.7 and no more", "no PDF"),
        ("a.pdf", a_pdf()[:200], "no PDF"),
        ("a.pdf", a_pdf(password="x"), "encrypted"),
        ("a.pdf", a_pdf(text=""), "no text"),
        ("a.docx", b"PK no", "archive"),
        ("a.docx", a_zip(other__xml=b"<a/>"), "Word"),
        ("a.zip", b"PK", "archive"),
        ("a.zip", a_zip(**{"../up__txt": b"x"}), "leads out"),
        ("a.zip", a_zip(**{"/root__txt": b"x"}), "leads out"),
        ("a.zip", a_zip(zeros__txt=b"0" * 5_000_000), "unpack"),
        ("a.zip", a_zip(inner__zip=b"PK"), "not a kind"),
        ("a.csv", b"left,right\n1,2\n", "row 1"),
        ("a.jsonl", b"{broken", "line 1"),
        ("a.html", b"<div>" * 50_000, "nested"),
    ],
)
def test_a_bad_document_is_named_with_its_reason(name: str, data: bytes, words: str, tmp_path: Path) -> None:
    assert words in reason(tmp_path / name, data)


def test_one_bad_file_does_not_keep_the_others_out(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("Good.")
    (tmp_path / "mixed.zip").write_bytes(a_zip(a__txt=b"Fine.", b__pdf=b"broken"))

    taken = read(tmp_path)

    assert {article.body for article in taken.articles} == {"Good.", "Fine."}
    assert [Path(remark.path).name for remark in taken.skipped] == ["b.pdf"]


def test_a_table_with_a_bad_row_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    assert "row 2" in reason(tmp_path / "a.csv", b"question,answer\nHow?,So.\nWhy?,\n")


@pytest.mark.parametrize(
    ("rows", "said"),
    [(limits.MAX_ROWS + 1, f"more than {limits.MAX_ROWS:,} rows"), (10**6, "9,000,016 bytes")],
)
def test_a_table_of_too_many_rows_is_refused(tmp_path: Path, rows: int, said: str) -> None:
    assert said in reason(tmp_path / "a.csv", b"question,answer\n" + b"How?,So.\n" * rows)


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.pdf"
    with path.open("wb") as file:
        file.truncate(2_000_000_000)

    assert "2,000,000,000 bytes" in read(path).skipped[0].reason


def test_entries_that_share_bytes_and_links_are_refused(tmp_path: Path) -> None:
    data = bytearray(a_zip(a__txt=b"one", b__txt=b"two"))
    central = data.rindex(b"PK\x01\x02")
    data[central + 42 : central + 46] = (0).to_bytes(4, "little")
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")

    assert "overlap" in reason(tmp_path / "a.zip", bytes(data))
    assert "link" in reason(tmp_path / "b.zip", out.getvalue())


def test_an_id_used_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(OWN)
    (tmp_path / "b.md").write_text(OWN)

    taken = read(tmp_path)

    assert len(taken.articles) == 1
    assert "used by another file" in taken.skipped[0].reason


@pytest.mark.parametrize("name", ["nowhere", "nothing"])
def test_a_path_with_nothing_in_it_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()

    with pytest.raises(DataFileError):
        read(tmp_path / name)


def test_the_pdf_of_these_tests_is_a_pdf() -> None:
    assert PdfReader(io.BytesIO(a_pdf())).pages[0].extract_text().startswith("Reset")
