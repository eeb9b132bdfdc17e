// Building page nodes from data. Text enters as text, never as markup.

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
  send: "M12 19V5 M6 11l6-6 6 6",
  chat: "M4 5.5h16v11H11l-4.5 4v-4H4z M8 9.5h8 M8 12.8h5",
  close: "M6 6l12 12 M18 6L6 18",
  down: "M12 5v14 M6 13l6 6 6-6",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z M4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
  up: "M7.5 20.5v-10l4-7.5c1.5 0 2.5 1 2.3 2.5L13.2 9H19c1 0 1.7.9 1.5 1.9l-1.6 8c-.2.9-.9 1.6-1.9 1.6z M7.5 10.5h-4v10h4",
  done: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z M8 12.3l2.8 2.8L16 9.6",
  out: "M10 5H5v14h14v-5 M14 4h6v6 M20 4l-9 9",
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
