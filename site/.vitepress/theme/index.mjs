// VitePress's own theme, with room for wide tables and with diagrams.
import DefaultTheme from "vitepress/theme";
import Diagram from "./Diagram.vue";
import "./reading.css";
import "./tables.css";

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component("Diagram", Diagram);
  },
};
