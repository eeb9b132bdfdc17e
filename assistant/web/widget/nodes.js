// Building page nodes from data. Text enters as text, never as markup.

/**
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {{[name: string]: any, on?: {[event: string]: (event: any) => void}}} Props
 *   A true attribute is set empty; null, undefined and false ones are left out.
 */

/**
 * An element with its attributes, listeners and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Props | null} [props] @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value != null && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** Line icons on a grid of 24, each one path. */
const ICONS = {
  chat: "M4 5.5h16v11H11l-4.5 4v-4H4z M8 9.5h8 M8 12.8h5",
  close: "M6 6l12 12 M18 6L6 18",
  down: "M12 5v14 M6 13l6 6 6-6",
  send: "M12 19V5 M6 11l6-6 6 6",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z M4.5 20.5c1-4 4-5.5 7.5-5.5s6.500 1.500 7.500 5.500",
  up: "M7.500 20.500V10.500l4-7.500c1.500 0 2.500 1 2.300 2.500L13.200 9H19c1 0 1.700.900 1.500 1.900l-1.600 8c-.200.900-.900 1.600-1.900 1.600z M7.500 10.500H3.500v10h4",
  out: "M10 5H5v14h14v-5 M14 4h6v6 M20 4l-9 9",
  back: "M15 5l-7 7 7 7",
  menu: "M5 7h14 M5 12h14 M5 17h14",
};

/** A decorative icon: the element around it carries the label.
 * @param {keyof typeof ICONS} name @param {string} [className] */
export function icon(name, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon ${className}`);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
