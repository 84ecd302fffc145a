import { poll, showRows } from "./rows.js";

const { list, pages, key } = document.querySelector("main").dataset;

function detailOf(workload) {
  if (workload.error_message) return workload.error_message;
  if (workload.signal != null) return "signal " + workload.signal;
  if (workload.exit_code != null) return "exit code " + workload.exit_code;
  return "";
}

function rowOf(workload) {
  const detail = detailOf(workload);
  return [
    [{ text: workload.app_name, href: pages + encodeURIComponent(workload[key]) }],
    [detail ? workload.status + ": " + detail : workload.status],
    [workload.started_at],
    [(workload.urls ?? []).map((url) => ({ text: url, href: url }))],
  ];
}

poll(list, (answer) =>
  showRows(document.getElementById("workloads"), answer.deployments.map(rowOf), "Nothing has been deployed"));
