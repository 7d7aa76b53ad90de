/** The panel's style sheets as one text: they live inside the shadow root and nowhere else. */

import buttons from "./styles/buttons.css";
import cards from "./styles/cards.css";
import motion from "./styles/motion.css";
import pad from "./styles/pad.css";
import panel from "./styles/panel.css";

export const STYLES = [panel, buttons, cards, pad, motion].join("\n");
