import { attestationOf, poll, showRows, verdictOf } from "./rows.js";

const urlOf = (hostname) => `${location.protocol}//${hostname}${location.port ? ":" + location.port : ""}/`;

function rowOf(agent) {
  const verdict = verdictOf(agent);
  return [
    [{ text: agent.vm_name, href: "/agent/" + encodeURIComponent(agent.agent_id) }],
    [agent.reason ? agent.status + ": " + agent.reason : agent.status],
    [attestationOf(agent)],
    [verdict.words, verdict.remarks],
    [{ text: agent.hostname, href: urlOf(agent.hostname) }],
  ];
}

poll("/api/agents", (agents) => showRows(document.getElementById("agents"), agents.map(rowOf), "No agents registered"));
