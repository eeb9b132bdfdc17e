"""How customers say what is not a question for the knowledge: word lists and patterns, English. Floor: pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways to say one thing. Each holds one of `needs` (in lower case), so that most texts are told at a glance."""

    needs: tuple[str, ...]
    pattern: re.Pattern[str]

    def search(self, text: str) -> re.Match[str] | None:
        """As `re.Pattern.search`."""
        lowered = text.lower()
        for need in self.needs:
            if need in lowered:
                return self.pattern.search(text)
        return None


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in alternatives), re.IGNORECASE)


def _ways(needs: str, *alternatives: str) -> Ways:
    return Ways(tuple(needs.split()), _pattern(*alternatives))


STOP = _words(
    """a about an and any are as at be been but by can could do does did for from get got had has have how i if in is it
    its me my of on or our please should so some tell that the their them then there they this to up use was we were
    what when where which who why will with would you your
    long take takes many much often too until against s t don like"""
)
FILLER = _words(
    """a all am and are at be dear everyone folks guys i im is it just me my now oh of please pls so there team that the
    this to today u very well with you your yourself again support bot assistant"""
)
GREETING = _words(
    """hi hii hello helo hey heya hiya howdy yo greetings morning afternoon evening good day hallo hola bonjour
    guten tag morgen abend moin servus salut bonsoir coucou buenos buenas dias días tardes noches"""
)
SMALL_ASK = _words("how doing going whats up how's what's")
THANKS_CORE = _words(
    """thanks thank thx ty cheers appreciated appreciate great perfect awesome excellent lovely brilliant wonderful nice
    cool ok okay helped helpful solved sorted super amazing noted
    danke dankeschön merci gracias"""
)
THANKS = THANKS_CORE | _words("helps works worked got fine much lot so useful clear did for help helping quick answer")
THANKS = THANKS | _words("will try good really vielen schön sehr beaucoup bien muchas mil")
FAREWELL_CORE = _words("bye goodbye ciao tschüss tschüß adiós adios wiedersehen revoir")
FAREWELL = FAREWELL_CORE | _words(
    "later see night no nope nothing else thats that's all done have nice good day weekend for"
)
HOW_ARE_YOU = frozenset(
    {"how are you", "how are you doing", "whats up", "what's up", "how's it going", "hows it going"}
)
AGREES = re.compile(
    "[\U0001f44d\U0001f44c\U0001f64f\u2764\U0001f642\U0001f60a\U0001f600\U0001f389\u2705]"
)  # 👍👌🙏❤🙂😊😀🎉✅
OPENS = _pattern(
    r"^\W*(?:can|could|will|would) (?:you|u) (?:please |pls )?(?:help|assist)(?: me)?(?: out)?(?: please| pls)?\W*$",
    r"^\W*(?:i )?(?:have|got|had) (?:a|an|one|some|another|a few) (?:\w+ )?(?:questions?|problems?|issues?)\W*$",
    r"^\W*(?:i )?(?:need|want) (?:some |your )?(?:help|assistance|support)(?: please| pls)?\W*$",
    r"^\W*(?:please |pls )?help(?: me)?(?: please| pls)?\W*$",
    r"^\W*(?:can|may|could) i ask (?:you )?(?:something|a question|anything)\W*$",
)
NOTHING_MORE = frozenset({"no", "nope", "nothing else", "that's all", "thats all", "that is all", "no that's all"})
YES_CORE = _words("yes yeah yep yup sure ok okay please absolutely definitely")
YES = YES_CORE | _words("do go ahead y that would be great good id like")

_PERSON = (
    r"(?:human(?: being)?|(?:real |actual |live )?(?:person|people)|agent|representative|rep|operator|advis[oe]r"
    r"|colleague|employee|supervisor|manager|customer (?:service|support|care)|support (?:team|staff|agent|person)"
    r"|some(?:one|body)(?: real| else| from your team| from support)?|staff(?: member)?|team member)"
)
_REACH = (
    r"(?:talk|speak|chat|connect|transfer|put me|pass me|hand me|get me|give me|reach|contact|need|want|like|prefer"
    r"|have|switch|escalate|forward)"
)
_ARTICLE = r"(?:a |an |the |any |your |another )"
ASK_HUMAN = _ways(
    "human person people agent rep operator advis colleague employee supervisor manager customer support some staff"
    " team connect transfer put call phone ring complaint mensch mitarbeiter berater kollege humain conseill quelqu"
    " alguien asesor",
    r"\b(?:i|me|we|can|could|please|let|may|just|would|rather|wanna|gotta|to)\b[^.?!]{0,30}"
    rf"\b{_REACH}\b[^.?!]{{0,30}}?\b(?:to|with|over to|for|a|an|the|any|some|your)\s+{_ARTICLE}?{_PERSON}\b",
    rf"^\W*(?:{_REACH}|connect me|transfer me)\b[^.?!]{{0,25}}\b{_PERSON}\b\W*(?:please|pls|now)?\W*$",
    r"^\W*(?:please )?(?:connect|transfer|put) me (?:through )?(?:to|with) \w+(?: \w+)?\W*$",
    rf"^\W*(?:a |an )?{_PERSON}\s*(?:please|pls|now|!)*\W*$",
    r"\b(?:real|actual|live)\s+(?:human|person|agent)\b[^?]{0,20}(?:please|now|$)",
    r"\b(?:call me back|can (?:some(?:one|body)|you) (?:please )?call me|phone me|ring me)\b",
    # German, French, Spanish
    r"\b(?:mit|einen|einem|eine|einer)\b[^.?!]{0,20}\b(?:mensch\w*|mitarbeiter\w*|berater\w*|kollege\w*|person)\b"
    r"[^.?!]{0,20}(?:\b(?:sprechen|reden|chatten|verbinden|schreiben)\b|$)",
    r"\bparler\b[^.?!]{0,20}\b(?:personne|humain|conseiller|conseillère|agent|quelqu['’]un)\b",
    r"\bhablar\b[^.?!]{0,20}\b(?:persona|humano|agente|alguien|asesora?)\b",
    r"\bi (?:want|need|demand) (?:a|to make a|to file a|to raise a) (?:formal )?complaint\b",
)
SHORT_CODE = re.compile(r"(?<![\w-])[A-Za-z]\d{1,2}(?![\w-])")
NOT_HUMAN = _pattern(
    r"\b(?:don'?t|do not|no need|not)\b[^.?!]{0,20}\b(?:talk|speak|want|need)\b",
    r"\b(?:user|travel|cleaning|descaling|estate) agent\b",
    r"\b(?:when|what time|which days?|until when|what hours) (?:can|could|may) (?:i|we|one)\b(?! finally)",  # the hours
)
ARE_YOU_A_BOT = _ways(
    "bot ai human real machine person automat who what",
    r"\b(?:are|r) (?:you|u) (?:an? )?(?:real|human|bot|robot|ai|machine|person|chat ?bot|automated)\b",
    r"\bam i (?:talking|speaking|chatting) (?:to|with) (?:an? )?(?:real|human|bot|robot|person|machine)\b",
    r"^\W*(?:who|what) (?:are|r) (?:you|u)\W*$",
    r"^\W*who am i (?:talking|speaking|chatting|writing) (?:to|with)\W*$",
)
_NEGATED = r"(?:(?:did|does|is|are|was|has|do)(?: not| ?n[o']?t)|were not)"
UNHAPPY = _ways(
    "what help answer work understand useless wrong waste suck stink",
    r"^\W*(?:you|u|this|this (?:bot|chat|thing|assistant)) (?:really |just |all )?(?:sucks?|stinks?)\W*$",
    r"\bnot what i (?:asked|meant|need)",
    rf"\b(?:that|this|it|you) {_NEGATED} (?:\w+ )?(?:help|answer|work|understand)\w*",
    r"\b(?:not helpful|unhelpful|useless|you are wrong|that is wrong|that's wrong|no help|waste of time)\b",
)
URGENT = _ways(
    "fire burn explod melt electr smok scald injur hurt spark swell swollen",
    r"\b(?:caught fire|on fire|is burning|started burning|exploded|exploding|melted|melting|electrocuted)\b",
    r"\bsmok(?:e|ing)\b[^.?!]{0,30}\b(?:from|out|coming|machine|inside)\b",
    r"\belectric(?:al)? shock\b",
    r"\b(?:got|been|was) (?:burned|burnt|scalded|injured|hurt)\b",
    r"\bspark(?:s|ed|ing)\b",
    r"\b(?:swelling battery|battery is swollen|swollen battery)\b",
)
SUPPOSES = _pattern(r"\b(?:what (?:if|happens)|can it|could it|does it|will it|should i|how (?:do|can|to))\b")

ORDER_NUMBER = re.compile(
    r"(?<![\w-])#?\s?([A-Z]{1,5}-?\d{3,10}(?:-\d{1,6})?|\d{5,12}|\d{3,6}-\d{3,8}(?:-\d{3,8})?)(?![\w-])", re.IGNORECASE
)
ORDER_WORD = r"(?:orders?|packages?|parcels?|deliver(?:y|ies)|shipments?|purchase|things? i (?:ordered|bought))"
_NEAR = r"[^.?!]{0,30}"
_MINE = r"\b(?:my|our)\b"
_ARRIVE = r"(?:arriv\w*|come|coming|get here|ship\w*|deliver\w*|be here|due)"
_MOVED = r"(?:shipped|ship|dispatched|sent|delivered|arrived|arrive|delayed|late|on (?:its|the) way|ready|left)"
_LATE = r"(?:not|n't|never|still|late|delayed|missing|lost|arriv\w*|come|came|here)"
ORDER_STATUS = _ways(
    "my our order package parcel deliver shipment purchase thing buy bought pay paid spend spent",
    r"\b(?:what|how much) (?:did|have) i (?:already )?(?:pay|paid|spend|spent)\b",
    rf"\bwhere(?:'s| is| are|s)?\b{_NEAR}\b(?:my|our|the)\b{_NEAR}\b{ORDER_WORD}\b",
    rf"\b(?:status|track|tracking|progress|update|news|eta)\b{_NEAR}{_MINE}{_NEAR}\b{ORDER_WORD}\b",
    rf"\bmy\b[^.?!]{{0,20}}\b{ORDER_WORD}\b[^.?!]{{0,15}}\b(?:status|tracking|update|eta)\b",
    rf"\b(?:has|have|did|is|was|were|are)\b[^.?!]{{0,12}}{_MINE}[^.?!]{{0,25}}\b{ORDER_WORD}\b[^.?!]{{0,20}}\b{_MOVED}\b",
    rf"\b(?:has|have|did|was|were)\b[^.?!]{{0,12}}{_MINE}{_NEAR}\b(?:shipped|dispatched|sent|delivered|arrived|arrive)\b",
    rf"\bmy\b[^.?!]{{0,25}}\b{ORDER_WORD}\b{_NEAR}\b{_LATE}\b",
    rf"\bwhen\b[^.?!]{{0,25}}\b(?:my|our|the)\b{_NEAR}\b{ORDER_WORD}\b{_NEAR}\b{_ARRIVE}\b",
    rf"\bwhen\b{_NEAR}{_MINE}[^.?!]{{0,40}}\b(?:arriv\w*|be delivered|get here|ship(?:ped)?|coming|due to come)\b",
    rf"\bwhen\b{_NEAR}\b(?:receive|get|expect)\b[^.?!]{{0,10}}{_MINE}{_NEAR}\b{ORDER_WORD}\b",
    r"\bwhat (?:did i|have i) (?:order|ordered|buy|bought|purchased)\b",
    r"\b(?:show|list|see|what are)\b[^.?!]{0,15}\bmy\b[^.?!]{0,15}\borders\b",
    r"\bmy (?:tracking|order) (?:number|no|id)\b",
    r"\bwhere(?:'s| is) my (?!nearest|closest)(?!manual|warranty|serial|receipt|invoice|refund)\w+(?: \w+){0,2}\W*$",
)
GENERAL_HOW = _pattern(
    r"^\W*(?:how (?:do|can|could|should|would|long)|what (?:happens|if|should))\b",
    r"^\W*(?:can i|could i|do you|is it possible|may i)\b",
    r"^\W*i want to (?:return|cancel|change)\b",
)
MY_WAIT = _pattern(r"\bhow long\b[^.?!]{0,20}\bmy (?:order|parcel|package|delivery)\b")
NOT_STATUS = _ways(
    "return refund cancel change modify edit gift damaged broken invoice receipt wrong missing if",
    r"\bif (?:i|we) (?:order|buy|place|pay)\b",  # not ordered yet
    r"\b(?:return|refund|cancel|change|exchange|modify|edit|gift|damaged|broken|invoice|receipt)\b",
    r"\b(?:wrong (?:item|product|colou?r)|missing (?:a )?part)\b",
)
ASKS_FOR_STEPS = _pattern(
    r"\bhow (?:do|can|could|should|would|to|must)\b",
    r"\b(?:steps?|instructions?|procedure|guide|walk me through|set ?up|way to)\b",
    r"\bwhat (?:do|should|can|must) i (?:do|use)\b",
)
TROUBLE = _pattern(
    r"\b(?:not|n't|won'?t|never|no longer|stopped|stops|stuck|jammed|broken|broke|leak\w*|error|fault)\b",
    r"\b(?:problems?|trouble|issues?|mak(?:es|ing) an?)\b",
    r"\b(?:(?:only|just|too|very|so) (?:a )?little|hardly|barely|(?:is|are|stays|remains) still)\b",
    r"\b(?:noise|noisy|smell\w*|(?<!how )hot|slow|weak|blink\w*|flash\w*|fail\w*|dead|hums?|strange|wrong)\b",
)
TROUBLE_PLACE = _pattern(
    r"\b(?:troubleshoot\w*|problems?|errors?|faults?|error codes?|if something|when something|help)\b"
)
# What a question is after; two questions of different kinds are not the same question however alike their words.
QUESTION_KINDS = (
    ("how often", _pattern(r"\bhow often\b", r"\bhow (?:frequently|regularly)\b")),
    ("wait", _pattern(r"\bhow (?:long|fast|quickly|soon)\b[^?.]{0,30}\b(?:takes?|taking|wait|without|need to)\b")),
    (
        "time",
        _pattern(
            r"\bhow (?:long|soon|fast|quickly)\b",
            r"^(?:\W*(?:and|but|so|or|then|since|until|from))?\W*when\b",  # "do you mend it when ..." asks no time
            r"\b(?:since|until|from|know|tell me|say|and) when\b|\bwhen (?:is|are|do|does|did|can|will|would|must)\b",
            r"\bwhat time\b",
            r"\b(?:opening|business) (?:hours|times)\b",
        ),
    ),
    (
        "amount",  # from which something holds
        _pattern(
            r"\b(?:what|which) (?:amount|sum|order value)\b",
            r"\b(?:minimum|min\.?) (?:order|spend|purchase|amount|value)\b",
            r"\bhow much (?:must|should|do) i (?:have to |need to )?(?:spend|order|buy)\b",
        ),
    ),
    ("price", _pattern(r"\bhow much (?:is|are|does|do|will|for)\b", r"\b(?:costs?|prices?|fees?|charges?)\b")),
    ("version", _pattern(r"\b(?:what|which) (?:\w+ ){0,2}versions?\b", r"\bversions? of\b")),
    ("measure", _pattern(r"\bhow (?:many|much|big|large|loud|heavy|hot|warm|far|tall|wide|high)\b", r"\brange\b")),
    ("steps", _pattern(r"\bhow (?:do|can|could|should|would|to|must)\b")),
    ("why", _pattern(r"\bwhy\b")),
    ("where", _pattern(r"\bwhere\b")),
)
# What an answer of that kind shows, whatever its own question was.
ANSWER_KINDS = {
    # "boil it twice" and "once it is cold" tell how, not how often
    "how often": _pattern(
        r"\b(?:every|each|daily|weekly|monthly|yearly|annually)\b",
        r"\b(?:once|twice|\w+ times) (?:a|an|per|every|each)\b",
        r"\bafter (?:(?:about|around|every|an?|the) )?[\w.,–-]+ (?:\w+ )?"
        r"(?:uses?|cups?|litres?|kg|hours?|days?|weeks?|months?)\b",
    ),
    "time": _pattern(r"\b(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|mornings?|\d{1,2}:\d\d)\b"),
    "wait": _pattern(r"\b(?:seconds?|minutes?|hours?|days?|weeks?)\b"),  # nobody waits for years
    "amount": _pattern(r"[£$€]\s?\d"),
    "price": _pattern(r"[£$€]\s?\d", r"\bfree\b"),
    "version": _pattern(r"\b\d+(?:\.\d+)*\b", r"\blatest\b"),
    "measure": _pattern(r"\d"),
}
# also where none is to be paid, or a share
SHOWS_PRICE = _pattern(
    r"[£$€]\s?\d",
    r"\d\s?(?:[£$€%]|euros?|pounds?|dollars?|pence|cents?)",
    r"\b(?:free|included|price)\b|\bcosts? nothing\b",
    r"\bno (?:extra |additional )?(?:costs?|charges?|fees?)\b",
)
APPOINTMENT = _ways(
    "appointment booking technician call visit",
    r"\b(?:when|what time|where|is|do i have|confirm|show|details|which day|any)\b[^.?!]{0,40}\b(?:my|an|any)\b"
    rf"{_NEAR}\b(?:appointments?|bookings?|technician|call ?back|(?:repair|service|engineer|workshop) visit)\b",
    r"^\W*my (?:next )?appointments?\W*$",
    r"\b(?:what|which|any|do i have)\b[^.?!]{0,20}\b(?:appointments?|bookings?)\b[^.?!]{0,20}"
    r"(?:\b(?:do i have|have i|i have|are booked|booked)\b|\W*$)",
)
MY_PRODUCTS = _ways(
    "product device machine model item serial buy",
    r"\b(?:what|which)\b[^.?!]{0,20}\b(?:products?|devices?|machines?|models?|items?)\b[^.?!]{0,15}"
    r"\b(?:do i (?:own|have)|i own|i have|have i (?:bought|got)|did i buy|are registered|is registered)\b",
    r"\bserial number\b[^.?!]{0,20}\b(?:of|for|on) my\b",
    r"\b(?:what|show|tell)\b[^.?!]{0,15}\bmy serial number\b",
    r"\bwhen did i buy\b",
    r"\bmy (?:registered )?products\W*$",
)
WHERE_IT_STANDS = _pattern(r"^\W*where\b", r"\bhow (?:do|can|could) (?:i|we) (?:find|see|read|look up)\b")
LEADING_GREETING = re.compile(
    r"^\s*(?:(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|dear (?:team|support|all)"
    r"|hallo|guten (?:tag|morgen|abend)|bonjour|salut|hola|buenos d[ií]as|buenas tardes)"
    r"(?:\s+(?:there|all|team|everyone|again|guys|folks))?\b[\s,!.:;–-]*)+",
    re.IGNORECASE,
)
REFERS_BACK = _pattern(
    r"\b(?:it|its|it's|they|them|their|that|this|these|those|one|ones|he|she|same|other|another|instead|else)\b",
)
CONTINUES = _pattern(
    r"^\W*(?:and|but|or|so|what about|how about|what if|why|why not|really|which one|then|also)\b",
    r"^\W*(?:how much|how long|when|where)\W*$",
    r"^\W*ok(?:ay)? (?:and|but|so)\b",
)
OF_MINE = _pattern(r"\b(?:my|mine|our|i|me|we)\b")
YES_OR_NO = _pattern(r"^\W*(?:can|could|may|does|do|is|are|will|would)\b")
OWN_THING = _pattern(r"\b(?:my|it|its|it's|this|that|the (?:machine|device|product|unit|thing|app))\b")
GOES_ON_ABOUT_ORDER = _pattern(
    rf"\bwhen\b{_NEAR}\b(?:it|they|that|this|the (?:parcel|package|order))\b{_NEAR}\b{_ARRIVE}\b",
    rf"\b(?:has|have|is|was|did)\b (?:it|they|that|the (?:parcel|package|order))\b{_NEAR}\b{_MOVED}\b",
    rf"\bwhere (?:is|are) (?:it|they|that|the (?:parcel|package|order))\b{_NEAR}$",
    r"\b(?:tracking|order) number\b",
    r"\bhow much (?:did|was|were)\b",
)
_ASKING = r"(?:how|what|when|where|which|why|who|can|does|do|is|are|may|must|will)"
ASKS = _pattern(rf"\b{_ASKING}\b")
# "different question:", "one more thing," before what is asked
CHANGES_SUBJECT = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|fine|well|good|so|and|btw|by the way)\b[\s,.!:;–-]*)?"
    r"(?:(?:(?:just |i have )?(?:an?|one)(?: more| last)?|(?:something|anything)) )?"
    r"(?:(?:different|other|another|new|quick|last|further|more) (?:question|topic|thing|matter|subject)"
    r"|(?:something|anything) (?:else|different)|by the way|btw)\b(?! is| are| was| can| do| does)[\s,.!:;–-]+",
    re.IGNORECASE,
)
# where one question ends and the next begins; "and" and a comma only before a word that asks
NEXT_QUESTION = re.compile(r"\?\s+(?=\w)")
NEXT_PART = re.compile(rf"(?:\s*,\s*(?:and\s+)?|\s+and\s+)(?={_ASKING}\b)", re.IGNORECASE)
# Words of one meaning in support, one group a line; compared by their stems.
AKIN = (
    "delivery deliver shipping ship postage post dispatch",
    "return send give back",
    "refund money reimburse",
    "limescale descale descaling scale",
    "weigh weight heavy heavier",
    "price cost fee cheap cheaper expensive",
    "conversation chat talk",
    "keep store save retain",
    "open opening hours closed",
    "instalment installment rate",
    "router network wifi wi-fi",
    "refurbished used second-hand secondhand",
    "tall high height big large size bigger larger taller",
    "loud noise noisy quiet louder quieter",
    "uk britain england kingdom",
    "code codes error fault",
    "repair fix mend",
    "end over expire",
    "swap exchange",
    "fine penalty",
    "suitcase luggage baggage",
    "bike bicycle",
    "phone telephone",
    "guarantee warranty",
    "senior pensioner",
    "child children kid toddler",
    "appointment booking reservation",
    "delete remove erase",
    "broken damaged faulty defective torn",
    "bill invoice",
    "late delay",
    "vehicle car",
    "promo promotion voucher coupon discount",
)
# what stands above a list of other pages, and an item of one
LEADS_ON = re.compile(
    r"\W*(?:see also|related(?: (?:articles|pages|topics|links|reading))?|further reading|read more|more information"
    r"|learn more|next steps|table of contents|contents|on this page|in this (?:article|guide|section))\W*",
    re.IGNORECASE,
)
ONLY_LINKS = re.compile(r"(?:\W*\[[^\]]*\]\([^)\s]*\))+\W*")
GIVES_REASON = _pattern(
    r"\b(?:because|since|so that|otherwise|as (?:it|they))\b", r"\b(?:no|not|never)\b[^.]*: (?:it|they)\b"
)
OLDER = _pattern(r"\b(?:old|older|original|previous|first)\b")
NEWER = _pattern(r"\b(?:new|newer|newest|latest|second)\b")
