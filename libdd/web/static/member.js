import { attestationOf, poll, showRows, showText, verdictOf } from "./rows.js";

const agentId = document.querySelector("main").dataset.agent;
const outcomeOf = (rule) => (rule.passed ? "ok" : rule.mode === "warn" ? "warn" : "FAIL");

poll("/api/agents", (agents) => {
  const agent = agents.find((one) => one.agent_id === agentId);
  if (!agent) throw new Error("the agent is gone");
  const verdict = verdictOf(agent);
  showText("status", agent.status);
  showText("reason", agent.reason ?? "");
  showText("attestation", attestationOf(agent));
  showText("verdict", verdict.words);
  showText("last-seen", agent.last_seen);
  document.getElementById("remarks").replaceChildren(...verdict.remarks.map((remark) => {
    const line = document.createElement("div");
    line.textContent = remark;
    return line;
  }));
  showRows(document.getElementById("rules"), verdict.rules.map((rule) => [[rule.rule], [outcomeOf(rule)], [rule.explanation]]), "No rules");
});
