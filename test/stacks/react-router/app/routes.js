import { index, route } from "@react-router/dev/routes";

export default [index("routes/home.jsx"), route("work/:n", "routes/work.js")];
