"use strict";
// node sns_validator.js PORT WORKERS CERTIFICATE_URL CERTIFICATE_FILE
//
// A plain HTTP server, one process per core, that hands each message to sns-validator as it comes and parses the SES
// payload of a valid one. Nothing in sns-validator is changed: it fetches the certificate once per process through
// https.get and keeps it. Amazon's host does not serve the certificate of a benchmark, so https.get answers for that
// one URL from a file.
const [port, workers, certificateUrl, certificateFile] = process.argv.slice(2);
const cluster = require("cluster");
const fs = require("fs");
const http = require("http");
const https = require("https");
const { PassThrough } = require("stream");

if (cluster.isPrimary) {
  for (let i = 0; i < Number(workers); i++) cluster.fork();
  process.on("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill("SIGKILL");
    process.exit(0);
  });
} else {
  serve();
}

function serve() {
  const fetch = https.get;
  https.get = (url, answered) => {
    if (url !== certificateUrl) return fetch(url, answered);
    const response = new PassThrough();
    response.statusCode = 200;
    process.nextTick(() => {
      answered(response);
      response.end(fs.readFileSync(certificateFile));
    });
    return new PassThrough();
  };
  const MessageValidator = require("sns-validator");
  const validator = new MessageValidator();
  http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      validator.validate(Buffer.concat(chunks).toString("utf8"), (error, message) => {
        response.statusCode = error || !JSON.parse(message.Message).mail ? 403 : 200;
        response.end();
      });
    });
  }).listen(Number(port), "127.0.0.1", 2048);
}
