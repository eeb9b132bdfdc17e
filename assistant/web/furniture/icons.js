// The pages' own line icons, on the grid and with the stroke of the widget's; there they would weigh on every customer.

import { icon } from "../widget/nodes.js";

const DRAWINGS = {
  drop: "M12 15V4 M7.5 8.5L12 4l4.5 4.5 M4 15v4.5h16V15",
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z M15.5 15.5L20 20",
  plus: "M12 5v14 M5 12h14",
  minus: "M5 12h14",
  change: "M4 9c2.7-3 5.3-3 8 0s5.3 3 8 0 M4 16c2.7-3 5.3-3 8 0s5.3 3 8 0",
  alert: "M12 4l9 16H3z M12 10v4.5 M12 17.2v.3",
};

/** A decorative icon: the element around it carries the label.
 * @param {keyof typeof DRAWINGS} name @param {string} [className] */
export function drawing(name, className = "") {
  const svg = icon("close", className);
  svg.firstElementChild?.setAttribute("d", DRAWINGS[name]);
  return svg;
}
