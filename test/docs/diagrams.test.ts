// The diagrams of docs/ have no node named like a word of Mermaid's own: with `call` as a node, nothing of the diagram is drawn.
import { expect, it } from "vitest";
import { documents } from "./documents.js";

/** Words that Mermaid's grammar of flowcharts keeps for itself. */
const reserved = [
  "call",
  "href",
  "click",
  "end",
  "graph",
  "subgraph",
  "style",
  "linkStyle",
  "classDef",
  "class",
  "default",
  "direction",
];

it("no flowchart names a node by a reserved word", async () => {
  const flowcharts = [...(await documents()).values()].flatMap((text) =>
    [...text.matchAll(/^```mermaid\nflowchart .+\n([\s\S]*?)^```/gm)].map(([, body = ""]) => body),
  );
  expect(flowcharts.length).toBeGreaterThan(0);
  const nodes = flowcharts.flatMap((body) =>
    body
      .replace(/\[[^\]]*\]|\{[^}]*\}|\|[^|]*\|/g, "")
      .split(/\n|-->|-\.->/)
      .map((node) => node.trim()),
  );
  expect(nodes).toContain("intake");
  expect(nodes.filter((node) => reserved.includes(node))).toEqual([]);
});
