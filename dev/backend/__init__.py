"""A service that crawls by itself and is told when: what an orchestrating connector talks to.

    POST   /index {"mode": "FULL" or "INCREMENTAL", "glean_instance": "..."}
           -> 200 {"status": "ok", "documents": N} when it is done, else 500;
           or, where settings say so, 202 {"status": "running"} with the run's URL in `Location`
    GET    /index/<run> -> {"status": "running", "succeeded", "failed" or "cancelled",
                            "documents": N, "error": "..." or null}, with `Retry-After` if set
    DELETE /index/<run> -> 204; 409 where it has ended in another way

The header Idempotency-Key makes a POST repeatable: the same key is the same run, and with another
body it is refused with 422. Every request must carry the bearer token, if there is one, and be
signed, if there is a secret: see `dev.backend.signature`.

    GET  /control/settings, PUT  see `dev.backend.runs`; in force also for runs that are under way
    GET  /control/runs     all runs, in the order of their start
    POST /control/reset    forget runs and keys, settings, faults, and the log
    and the control endpoints of `dev.faults`
"""
