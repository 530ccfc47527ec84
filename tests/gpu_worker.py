"""Compiles time steps for an H100 that is not there, solved by kernels: a line of JSON for each case."""

import json

from experiments.benchmarks import gpu_report


if __name__ == "__main__":
    site = gpu_report.cuda_site()
    assert site is not None, gpu_report.MISSING
    gpu_report.restart_with_cuda(site)
    for wires, batch in ((100, 1), (100, 4096), (1000, 64)):
        print(json.dumps(gpu_report.compile_case(wires, batch, "forward", site, "kernels")), flush=True)
