# A person pauses, resumes, approves, and skips the rest.
plan gated
see target=v1 parked=no canary=ready primary=ready copied=want routed=yes
  Initializing step 0, failures 0: route 100/0 (not exposed), canary as it is, primary v1
see copied=want
  Initializing step 1, failures 0: route 100/0, canary as it is, primary v1
  Normal  Initialization done! podinfo.test
  Initialized step 0, failures 0: route 100/0, canary up, primary v1
see copied=want
see after=2s parked=yes canary=down
  Initialized step 0, failures 0: route 100/0, canary to zero, primary v1
  Initialized step 0, failures 0: route 100/0, canary as it is, primary v1
see target=v2
see confirm-rollout=fail
  Warning Halt podinfo.test advancement waiting for approval gate
  Waiting step 0, failures 0: route 100/0, canary as it is, primary v1
see ask=promote
  Warning Cannot promote podinfo.test, as alice (why not) asked: it waits for confirm-rollout; approve that first
see ask=approve:confirm-rollout
  Normal  Opening confirm-rollout of podinfo.test, as alice (why not) asked
  Waiting step 0, failures 0: route 100/0, canary as it is, primary v1
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see parked=no canary=ready
  Normal  Starting canary analysis for podinfo.test
see pre-rollout=pass confirm-traffic-increase=pass
  Normal  Pre-rollout check gate passed
  Normal  Confirm-traffic-increase check gate passed
  Normal  Advance podinfo.test canary weight 50
  Progressing step 1, failures 0: route 50/50, canary up, primary v1
see ask=pause
  Normal  Pausing podinfo.test, as alice (why not) asked
  Progressing step 1, failures 0: route 50/50, canary up, primary v1, paused
see ask=pause
  Warning Cannot pause podinfo.test, as alice (why not) asked: it is paused already
see after=10s checks=pass
see after=600s checks=pass confirm-traffic-increase=pass confirm-promotion=pass
see ask=retry
  Warning Cannot retry podinfo.test, as alice (why not) asked: it did not fail
see ask=resume
  Normal  Resuming podinfo.test, as alice (why not) asked
  Progressing step 1, failures 0: route 50/50, canary up, primary v1
see after=10s checks=pass
  Warning Halt podinfo.test advancement waiting for approval legal
  Progressing step 1, failures 0: route 50/50, canary up, primary v1
see ask=approve:legal
  Normal  Opening legal of podinfo.test, as alice (why not) asked
  Progressing step 1, failures 0: route 50/50, canary up, primary v1
see checks=pass confirm-traffic-increase=fail
  Warning Halt podinfo.test advancement waiting for traffic increase approval gate
see ask=promote
  Normal  Promoting podinfo.test without the rest of its analysis, as alice (why not) asked
  Progressing step 1, failures 0: route 50/50, canary up, primary v1
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 0: route 50/50, canary up, primary v2
see copied=want
  Normal  Advance podinfo.test primary weight 75
  Promoting step 1, failures 0: route 75/25, canary up, primary v2
see ask=abort
  Warning Cannot abort podinfo.test, as alice (why not) asked: the primary already takes the revision over; push the former one to go back
# A revision that failed is released once more, and then aborted.
plan gated
see after=30s
  Normal  Advance podinfo.test primary weight 100
  Promoting step 2, failures 0: route 100/0, canary up, primary v2
see after=30s
  Normal  Routing all traffic to primary
  Finalising step 0, failures 0: route 100/0, canary up, primary v2
see after=30s post-rollout=pass
  Normal  Promotion completed! Canary analysis was skipped for podinfo.test
  Succeeded step 0, failures 0: route 100/0, canary to zero, primary v2
see parked=yes canary=down post-rollout=pass
  Normal  Post-rollout check gate passed
  Succeeded step 0, failures 0: route 100/0, canary as it is, primary v2
see target=v3
see queued=full
  Normal  New revision of podinfo.test waits for other releases: full
see queued=no ask=deny:confirm-rollout
  Warning Rolling back podinfo.test, confirm-rollout was denied, as alice (why not) asked
  Warning Canary failed! Scaling down podinfo.test
  Failed step 0, failures 0: route 100/0, canary up
see after=2s parked=yes post-rollout=pass
  Normal  Post-rollout check gate passed
  Failed step 0, failures 0: route 100/0, canary to zero
  Failed step 0, failures 0: route 100/0, canary as it is
see ask=retry
  Normal  Releasing the failed revision of podinfo.test again, as alice (why not) asked
  Failed step 0, failures 0: route 100/0, canary as it is
see confirm-rollout=pass
  Normal  Confirm-rollout check gate passed
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v2
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see parked=no canary=ready
  Normal  Starting canary analysis for podinfo.test
see ask=abort
  Warning Rolling back podinfo.test, as alice (why not) asked
  Warning Canary failed! Scaling down podinfo.test
  Failed step 0, failures 0: route 100/0, canary up
