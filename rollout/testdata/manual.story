# A rollback hook ends the release at once, whatever it waits for.
plan gated
see target=v1 parked=no canary=ready primary=down
  Initializing step 0, failures 0: route 100/0 (not exposed), canary as it is, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see copied=want
see primary=ready
  Initializing step 1, failures 0: route 100/0, canary as it is, primary v1
see routed=yes online=pass
  Normal  all the metrics providers are available!
  Normal  Initialization done! podinfo.test
  Initialized step 0, failures 0: route 100/0, canary up, primary v1
see after=2s
  Initialized step 0, failures 0: route 100/0, canary to zero, primary v1
see parked=yes canary=down
  Initialized step 0, failures 0: route 100/0, canary as it is, primary v1
see target=v2 confirm-rollout=fail
  Warning Halt podinfo.test advancement waiting for approval gate
  Waiting step 0, failures 0: route 100/0, canary as it is, primary v1
see rollback=pass
  Warning Rollback check gate passed
  Warning Rolling back podinfo.test manual webhook invoked
  Warning Canary failed! Scaling down podinfo.test
  Failed step 0, failures 0: route 100/0, canary up
see target=v3 confirm-rollout=pass
see post-rollout=fail
  Warning Post-rollout hook gate failed denied
  Failed step 0, failures 0: route 100/0, canary up
see confirm-rollout=pass
  Normal  Confirm-rollout check gate passed
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see parked=no canary=ready pre-rollout=pass confirm-traffic-increase=pass
  Normal  Starting canary analysis for podinfo.test
  Normal  Pre-rollout check gate passed
  Normal  Confirm-traffic-increase check gate passed
  Normal  Advance podinfo.test canary weight 50
  Progressing step 1, failures 0: route 50/50, canary up, primary v1
see after=3s rollback=pass
  Warning Rollback check gate passed
  Warning Rolling back podinfo.test manual webhook invoked
  Warning Canary failed! Scaling down podinfo.test
  Failed step 0, failures 0: route 100/0, canary up
