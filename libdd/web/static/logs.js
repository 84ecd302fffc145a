import { poll, showText } from "./rows.js";

const workload = document.querySelector("main").dataset.workload;

poll(`/workload/${encodeURIComponent(workload)}/logs`, (answer) => {
  showText("status", answer.status);
  showText("log", answer.lines.map((line) => line + "\n").join(""));
});
