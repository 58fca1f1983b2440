// The host as the local engine sees it, for somebody who has to know whether tasks can be run.
import type { EngineHost } from "../engine.js";

/** @param onLoaded called with whether the tasks module is loaded, after the host has heard of it */
export function hostThatTells(host: EngineHost, onLoaded: (isLoaded: boolean) => void): EngineHost {
  return {
    started: (task, threadId, at) => host.started(task, threadId, at),
    returned: (task) => host.returned(task),
    succeeded: (task, value, runMs) => host.succeeded(task, value, runMs),
    failed: (task, error, retryable, runMs) => host.failed(task, error, retryable, runMs),
    shed: (task) => host.shed(task),
    handedOver: (task) => host.handedOver(task),
    progress: (task, value) => host.progress(task, value),
    offload: (followUp) => host.offload(followUp),
    ready: () => host.ready(),
    loaded(names) {
      host.loaded(names);
      onLoaded(true);
    },
    unloadable(error) {
      host.unloadable(error);
      onLoaded(false);
    },
    beforeDeparture: () => host.beforeDeparture(),
    together: (report) => host.together(report),
  };
}
