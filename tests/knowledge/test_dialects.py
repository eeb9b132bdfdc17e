"""Every common dialect of Markdown, and what pages say of themselves above their text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.reading.dates import as_rfc3339
from knowledge.reading.language import declared_language, detect_language
from knowledge.reading.markdown import canonical_markdown, read_markdown


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        pytest.param(
            '<Steps>\n  <Step title="Unplug">\n    Pull it.\n\n    ```bash\n    off\n    ```\n  </Step>\n'
            '  <Step title="Wait">\n    An hour.\n  </Step>\n</Steps>\nThen go.',
            "1. **Unplug**\n   Pull it.\n\n   ```bash\n   off\n   ```\n2. **Wait**\n   An hour.\n\nThen go.\n",
            id="MDX steps",
        ),
        pytest.param(
            '<Tabs>\n  <Tab title="macOS">\n    brew\n  </Tab>\n  <Tab title="Windows">winget</Tab>\n</Tabs>\n\nBoth.',
            "**macOS**\n\nbrew\n\n**Windows**\n\nwinget\n\nBoth.\n",
            id="MDX tabs",
        ),
        pytest.param(
            '# FAQ\n\n<AccordionGroup>\n<Accordion title="How long?">\nTwo days.\n</Accordion>\n'
            '<Accordion title="How much?">Five.</Accordion>\n</AccordionGroup>\n',
            "# FAQ\n\n## How long?\n\nTwo days.\n\n## How much?\n\nFive.\n",
            id="MDX accordions",
        ),
        pytest.param(
            "<details>\n<summary>Is it <b>safe</b>?</summary>\n\nYes.\n\n</details>\n\nNext.",
            "**Is it safe?**\n\nYes.\n\nNext.\n",
            id="a fold does not claim what follows it",
        ),
        pytest.param("<Note>\n  Mind this.\n</Note>", "> **Note**\n> Mind this.\n", id="MDX note"),
        pytest.param("<Warning>Hot.</Warning>", "> **Warning**\n> Hot.\n", id="MDX note on one line"),
        pytest.param('<Callout type="tip">\nDo.\n</Callout>', "> **Tip**\n> Do.\n", id="MDX callout"),
        pytest.param(":::warning[Hot stuff]\nDo not.\n:::", "> **Hot stuff**\n> Do not.\n", id="Docusaurus"),
        pytest.param("::: details More\nInner.\n:::", "## More\n\nInner.\n", id="VitePress"),
        pytest.param("> [!TIP]\n> Do it.", "> **Tip**\n> Do it.\n", id="GitHub alert"),
        pytest.param('!!! warning "Hot"\n    No.\n\nOn.', "> **Hot**\n> No.\n\nOn.\n", id="MkDocs"),
        pytest.param("!!! warning These tools\n    No.", "> **These tools**\n> No.\n", id="MkDocs without quotes"),
        pytest.param('=== "A"\n    one\n\n=== "B"\n    two', "**A**\n\none\n\n**B**\n\ntwo\n", id="MkDocs tabs"),
        pytest.param('{% hint style="info" %}\nHint.\n{% endhint %}', "> **Info**\n> Hint.\n", id="GitBook"),
        pytest.param('{{< note >}}\nSee {{< ref "x" >}}it.\n{{< /note >}}', "> **Note**\n> See it.\n", id="Hugo"),
        pytest.param("```{note}\nMind.\n```", "> **Note**\n> Mind.\n", id="MyST"),
        pytest.param("!> Careful.", "> **Important** Careful.\n", id="docsify"),
        pytest.param(
            "import {\n  A,\n} from 'x'\nexport const m = {\n  a: 1,\n}\n\nimport from Excel works\n"
            "export your data (CSV)",
            "import from Excel works\nexport your data (CSV)\n",
            id="modules go, sentences stay",
        ),
        pytest.param(
            "Enter <Name> and <Your domain> with <Icon name=\"x\" />care.",
            "Enter <Name> and <Your domain> with care.\n",
            id="placeholders stay, components go",
        ),
        pytest.param("<style>\n.a { b: c }\n</style>\nText.", "Text.\n", id="styles"),
        pytest.param("Text[^1].\n\n[^1]: The foot.", "Text.\n\nThe foot.\n", id="footnote"),
        pytest.param("a\n\n    code\n    more\n\nb", "a\n\n```\ncode\nmore\n```\n\nb\n", id="indented code"),
        pytest.param("1. a\n\n    more of it\n\n2. b", "1. a\n\n    more of it\n\n2. b\n", id="indented in a list"),
        pytest.param('```bash title="x" {1,3}\nls\n```', "```bash\nls\n```\n", id="settings of code"),
        pytest.param("```\nopen", "```\nopen\n```\n", id="code that is never closed"),
        pytest.param(
            "[Edit this page](https://x.example/e)\n\nWas this page helpful?\n\n# Search\n\nReal.",
            "# Search\n\nReal.\n",
            id="remarks of the site",
        ),
        pytest.param(
            "<table><tr><th>A</th><th>B</th></tr><tr><td rowspan=2>1</td><td>2</td></tr><tr><td>3</td></tr></table>",
            "| A | B |\n| --- | --- |\n| 1 | 2 |\n| 1 | 3 |\n",
            id="HTML table",
        ),
    ],
)  # fmt: skip
def test_dialects_become_light_markdown(source: str, plain: str) -> None:
    assert canonical_markdown(source) == plain


@pytest.mark.parametrize(
    "piece",
    ["<a", "<A {", "<A b='", "[", "![", "[a](", "[[", "`", "*", "_", "{", "{%", "{{<", "<!--", "{/*", ":::", "> ", "- ",
     "<details>\n", "<Note>\n", ":::note\n", "!!! a\n    ", "    ", "| ", "#", "&", "</", "<table>", "```\n",
     "import {", ":::note\n:::note\n:::\n"],
)  # fmt: skip
def test_no_input_makes_the_reader_slow(piece: str) -> None:
    hostile = piece * (60_000 // len(piece))

    begun = time.process_time()
    canonical_markdown(hostile)

    assert time.process_time() - begun < 8


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab<>/{}[]()`|#*-:!=> \n\"'.1%", max_size=400))
def test_any_text_at_all_can_be_read(text: str) -> None:
    once = canonical_markdown(text)

    assert once == "" or once.endswith("\n")
    assert "\n\n\n" not in once or "```" in once or "~~~" in once


class TestParticulars:
    def test_front_matter_gives_all_that_it_declares(self) -> None:
        reading = read_markdown(
            "---\ntitle: 'First: steps'\nlang: pt_br\nproducts: [Lark, Wren]\naudience: [agents]\nlastmod: 2025-02-03\n"
            "url: https://x.example/a\n---\nHello.\n"
        )

        assert (reading.title, reading.language, reading.products) == ("First: steps", "pt-BR", ("Lark", "Wren"))
        assert (reading.audience, reading.changed_at) == ("agents", "2025-02-03T00:00:00+00:00")
        assert (reading.url, reading.text) == ("https://x.example/a", "Hello.\n")

    def test_broken_front_matter_is_read_line_by_line(self) -> None:
        reading = read_markdown("---\ntitle: Reset: how to\ntags: [product:Lark, billing]\n---\nHello.\n")

        assert (reading.title, reading.products, reading.text) == ("Reset: how to", ("Lark",), "Hello.\n")

    def test_aliases_of_yaml_are_not_unfolded(self) -> None:
        bomb = "a: &a [x, x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
        )

        assert read_markdown(f"---\n{bomb}title: Calm\n---\nHello.\n").title == "Calm"

    def test_toml_front_matter_is_read(self) -> None:
        reading = read_markdown('+++\ntitle = "T"\ndate = 2025-05-05\n[params]\nproduct = "Lark"\n+++\nHello.\n')

        assert (reading.title, reading.products, reading.changed_at) == ("T", ("Lark",), "2025-05-05T00:00:00+00:00")

    def test_a_page_for_everybody_has_no_audience(self) -> None:
        assert read_markdown("---\naudience: Everyone\n---\nHello.\n").audience is None

    def test_a_page_without_text_is_its_description(self) -> None:
        assert read_markdown("---\ndescription: How parcels travel.\n---\n").text == "How parcels travel.\n"

    @pytest.mark.parametrize(
        ("written", "moment"),
        [
            ("2025-02-03", "2025-02-03T00:00:00+00:00"),
            ("2025-02-03T10:00:00+02:00", "2025-02-03T08:00:00+00:00"),
            ("Mon, 05 May 2025 10:00:00 GMT", "2025-05-05T10:00:00+00:00"),
            ("May 5th, 2025", "2025-05-05T00:00:00+00:00"),
            ("5. Mai 2025", None),
            ("03/04/2025", None),
            ("soon", None),
            (None, None),
        ],
    )
    def test_dates_become_one_form(self, written: str | None, moment: str | None) -> None:
        assert as_rfc3339(written) == moment


class TestLanguage:
    @pytest.mark.parametrize(
        ("text", "language"),
        [
            ("You can return the parcel within thirty days if it is in its box, and we pay for it.", "en"),
            ("Sie können das Paket innerhalb von dreißig Tagen zurückgeben, wenn es in der Schachtel ist.", "de"),
            ("Vous pouvez retourner le colis dans les trente jours et nous payons pour le retour.", "fr"),
            ("Puede devolver el paquete en los treinta días si está en la caja, y pagamos por él.", "es"),
            ("Você pode devolver o pacote em trinta dias se não está na caixa, e nós pagamos por ele.", "pt"),
            ("Può restituire il pacco entro trenta giorni se è nella scatola, e noi paghiamo per il reso.", "it"),
            ("U kunt het pakket binnen dertig dagen terugsturen als het in de doos zit, en wij betalen voor u.", "nl"),
            ("Możesz zwrócić paczkę w ciągu trzydziestu dni, jeśli jest w pudełku, i nie płacisz za to.", "pl"),
            ("Вы можете вернуть посылку в течение тридцати дней, если она в коробке.", "ru"),
            ("三十日以内であれば、箱に入った荷物を返品できます。送料は当社が負担します。", "ja"),
            ("您可以在三十天内退回包裹,运费由我们承担。", "zh"),
            ("E17 P-2207 OK", None),
            ("", None),
        ],
    )
    def test_a_language_is_told_by_its_small_words_or_its_script(self, text: str, language: str | None) -> None:
        assert detect_language(text) == language

    def test_code_says_nothing_about_the_language(self) -> None:
        assert detect_language("```\nfor the of and to in is that it for you with\n```\n") is None

    @pytest.mark.parametrize(
        ("declared", "tag"), [("EN", "en"), ("de_AT", "de-AT"), ("zh-hant", "zh-Hant"), ("English please", None)]
    )
    def test_a_declared_language_becomes_a_tag(self, declared: str, tag: str | None) -> None:
        assert declared_language(declared) == tag
