// The shapes that the widget's modules hand each other. Types only: nothing here reaches a browser.

type Strings = typeof import("./strings.js").en;
type Words = Strings & { locale: string; language: string; direction: "ltr" | "rtl" };

type Author = { role: "customer" | "assistant" | "agent" | "system"; name: string | null };
type Citation = {
  n: number;
  title: string;
  section?: string | string[] | null;
  url: string;
  quote: string;
  release?: number;
};
type ChatEvent = {
  seq: number;
  prev: number;
  at: string;
  kind: string;
  from: Author;
  id?: string;
  data: Record<string, any>;
};
/** `wait_seconds`: until a person is likely to come, null when nothing is known. */
type Place = { position?: number; wait_seconds?: number | null };
type Survey = {
  survey: string;
  metric: string;
  question: string;
  scale: { min: number; max: number; min_label: string; max_label: string };
};
/** An answer being written. `next`: the number of the piece to come; `broken`: a piece was lost, the rest is left out. */
type Draft = { turn: number; text: string; next: number; broken: boolean };

/** What the customer did, as it is sent; the id makes a repeat harmless. */
type OutFrame = { type: string; id: string; [field: string]: unknown };
/** `at`: milliseconds since the epoch, strictly rising within a tab; `failed`: why the server refused it, or null. */
type OutItem = { id: string; frame: OutFrame; at: number; failed: string | null };

type Frame = { type: string; [field: string]: any };
/** "waiting": cut off, and will try again. */
type LineState = "idle" | "connecting" | "open" | "waiting";
type LineOptions = {
  url: string;
  protocol?: string;
  /** Makes the first frame of every connection. */
  hello: () => Frame | Promise<Frame>;
  onFrame: (frame: Frame) => void;
  onState: (state: LineState, closeCode: number) => void;
};

/** The server's refusal; `id` where a frame caused it. */
type Problem = { code: string; message: string; id?: string; retry_after_seconds?: number };
type Change = "line" | "reset" | "event" | "passing" | "outbox" | "welcome" | "refused";
type SessionOptions = {
  origin: string;
  shelf: import("./shelf.js").Shelf;
  locale: () => string;
  onChange: (change: Change, detail?: any) => void;
};

type Block = { t: string; c?: any; text?: string; [field: string]: any };
/** `cite` draws the marker of citation n; `origin` is where paths lead; `tabIndex` goes on every link. */
type Rendering = { cite?: (n: number) => Node | null; origin?: string; tabIndex?: number };

type LogActions = {
  origin: () => string;
  cite: (citation: Citation, chip: HTMLElement) => void;
  rate: (seq: number, useful: boolean) => void;
  retry: (id: string) => void;
  discard: (id: string) => void;
};

type Child = Node | string | null | undefined | false;
/** A true attribute is set empty; null, undefined and false ones are left out. */
type Props = { [name: string]: any; on?: { [event: string]: (event: any) => void } };

/** "known": seen before; "hole": something before it is missing. */
type Taken = "new" | "known" | "hole";
type ButtonProps = { class: "solid" | "outline"; type?: "submit" | "button"; text: string; click?: () => void };
