// What the studio's routes answer with, as its modules hand it to each other. Types only: nothing here reaches a browser.

declare namespace Studio {
  type Agent = { id: string; name: string; email: string; role: "agent" | "content" | "admin" };

  type Job = {
    id: string;
    kind: "reindex" | "compare";
    state: "running" | "done" | "failed";
    what: string;
    done: number;
    total: number;
    started_at: string;
    started_by?: string;
    ended_at?: string | null;
    report: Record<string, any> | null;
    error: string | null;
    /** `publish` of a reindex, `release` and `against` of a comparison. */
    task: { publish?: boolean; release?: number; against?: number | null };
  };
  /** What a purge deleted: `files` of ours; `left` are files elsewhere, which stay. */
  type Purged = { documents: Summary[]; releases: number[]; passages: number; files: string[]; left: string[] };
  type Fault = { source: string; reason: string };
  type Source = {
    id: number;
    location: string;
    kind: "folder" | "file" | "page" | "sitemap" | "uploads";
    added_at: string | null;
  };
  /** `release` is null before anything was indexed. */
  type Overview = {
    release: number | null;
    made_at: string | null;
    documents: number;
    passages: number;
    embedder: string;
    size_bytes: number;
    sources: Source[];
    faults: Fault[];
    job: Job | null;
  };
  type Release = {
    number: number;
    state: "live" | "kept" | "candidate";
    made_at: string;
    made_by: string;
    published_at: string | null;
    published_by: string | null;
    documents: number;
    passages: number;
    embedder: string;
    added: number;
    changed: number;
    removed: number;
  };
  /** `answers`: how often it was cited in the last 90 days, in a list of documents. */
  type Summary = {
    id: string;
    title: string;
    source: string;
    media_type: string;
    language: string | null;
    products: string[];
    audience: string | null;
    changed_at: string | null;
    passages: number;
    answers?: number;
  };
  type Changes = { release: number; against: number | null; added: Summary[]; changed: Summary[]; removed: Summary[] };
  /** Offsets count characters as Python does. */
  type Passage = {
    id: string;
    document_id?: string;
    document?: string;
    title?: string;
    section: string[];
    text?: string;
    start: number;
    end: number;
    page: number | null;
    question: string | null;
    position: number;
    products?: string[];
    language?: string | null;
    audience?: string | null;
  };
  type Document = {
    document: string;
    release: number;
    title: string;
    source: string;
    media_type: string;
    url: string | null;
    language: string | null;
    products: string[];
    audience: string | null;
    changed_at: string | null;
    text: string;
    passages: Passage[];
  };
  type Part = { part: string; value: number };
  type Found = {
    passage: Passage;
    score: number;
    similarity: number;
    sureness: number;
    why: Part[];
    terms: string[];
  };
  type Findings = { release: number; sureness: number; found: Found[] };
  type Rehearsed = { text: string; outcome: string; citations: Citation[]; sureness: number };
  /** What a saved question would be answered. `model_would_word_it`: customers are answered by a model. */
  type Answer = Rehearsed & {
    release: number;
    blocks: Block[];
    hand_over: string | null;
    searches: { question: string; sureness: number; found: Found[] }[];
    model_would_word_it: boolean;
  };
  type Change = "same" | "wording" | "sources" | "outcome";
  type Compared = {
    question: string;
    origin: "saved" | "recent" | "cases";
    id: string | null;
    history?: string[];
    file?: string | null;
    before: Rehearsed;
    after: Rehearsed;
    change: Change;
  };
  type ComparisonSummary = {
    release: number;
    against: number;
    made_by: string;
    made_at: string;
    counts: Record<string, number>;
  };
  type Comparison = ComparisonSummary & { questions: Compared[] };
  type Example = {
    question: string;
    conversation: string;
    seq: number;
    at: string;
    reason: string;
    agent_answer: string | null;
  };
  /** `left_out`: kinds of personal data that the prefilled text is without. */
  type GapDraft = {
    id: number;
    gap: number | null;
    question: string;
    answer: string;
    products: string[];
    left_out: string[];
    state: "draft" | "accepted";
    made_by: string;
    made_at: string;
  };
  type Gap = {
    id: number;
    label: string;
    count: number;
    conversations: number;
    declined: number;
    thumbed_down: number;
    handed_over: number;
    first_at: string;
    last_at: string;
    products: string[];
    state: "open" | "drafted" | "closed" | "dismissed";
    closed_at: string | null;
    closed_release: number | null;
    reopened_at: string | null;
    examples: Example[];
    draft: GapDraft | null;
  };
  type Claim = {
    document: string;
    title: string;
    section: string[];
    start: number;
    end: number;
    text: string;
    number: string;
  };
  type Contradiction = { what: string; passages: Claim[] };
  type Health = {
    unused: Summary[];
    contradictions: Contradiction[];
    stale: (Summary & { days: number | null; why: string })[];
  };
  type Question = {
    id: string;
    question: string;
    history: string[];
    expect: Record<string, any>;
    conversation: string | null;
    made_by: string;
    made_at: string;
    imported_from?: string | null;
  };

  /** What a view is given: where it is, who looks, and how it goes on. `signal` ends when the view is left. */
  type Room = {
    agent: Agent;
    jobs: import("./job-watch.js").JobWatch;
    uploads: import("./uploads.js").Uploads;
    /** Whether what is uploaded goes into service without a look. */
    atOnce: boolean;
    /** What a view wants to find again when it is drawn anew. */
    remembered: { sourcesOpen?: boolean };
    signal: AbortSignal;
    go: (path: string, how?: { replace?: boolean }) => void;
    redraw: () => void;
  };
  type View = { title: string; nodes: Node[] };
  type ShowView = (room: Room, place: import("./places.js").Place) => Promise<View>;
}
