# Every gate is closed once, then open.
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
see target=v2
see confirm-rollout=fail
  Warning Halt podinfo.test advancement waiting for approval gate
  Waiting step 0, failures 0: route 100/0, canary as it is, primary v1
see after=10s confirm-rollout=fail
see confirm-rollout=pass
  Normal  Confirm-rollout check gate passed
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see parked=no canary=ready
  Normal  Starting canary analysis for podinfo.test
see pre-rollout=fail
  Warning Halt podinfo.test advancement pre-rollout check gate failed denied
  Progressing step 0, failures 1: route 100/0, canary up, primary v1
  Normal  Starting canary analysis for podinfo.test
see after=10s pre-rollout=pass confirm-traffic-increase=fail
  Warning Halt podinfo.test advancement waiting for traffic increase approval gate
  Progressing step 0, failures 1: route 100/0, canary up, primary v1
  Normal  Starting canary analysis for podinfo.test
see after=10s pre-rollout=pass confirm-traffic-increase=pass
  Normal  Pre-rollout check gate passed
  Normal  Confirm-traffic-increase check gate passed
  Normal  Advance podinfo.test canary weight 50
  Progressing step 1, failures 1: route 50/50, canary up, primary v1
see ask=approve:legal
  Normal  Opening legal of podinfo.test, as alice (why not) asked
  Progressing step 1, failures 1: route 50/50, canary up, primary v1
see after=10s checks=pass confirm-traffic-increase=pass confirm-promotion=fail
  Warning Halt podinfo.test advancement waiting for promotion approval gate
  WaitingPromotion step 1, failures 1: route 50/50, canary up, primary v1
see after=10s checks=pass confirm-promotion=fail rollback=fail
see after=10s checks=pass confirm-promotion=pass
  Normal  Confirm-promotion check gate passed
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 1: route 50/50, canary up, primary v2
see copied=want primary=ready
  Normal  Advance podinfo.test primary weight 75
  Promoting step 1, failures 1: route 75/25, canary up, primary v2
see after=9s
see after=1s
  Normal  Advance podinfo.test primary weight 100
  Promoting step 2, failures 1: route 100/0, canary up, primary v2
see after=10s
  Normal  Routing all traffic to primary
  Finalising step 0, failures 1: route 100/0, canary up, primary v2
see after=2s post-rollout=pass
  Normal  Promotion completed! Scaling down podinfo.test
  Succeeded step 0, failures 1: route 100/0, canary to zero, primary v2
see post-rollout=pass
  Normal  Post-rollout check gate passed
  Succeeded step 0, failures 1: route 100/0, canary to zero, primary v2
see parked=yes canary=down
  Succeeded step 0, failures 1: route 100/0, canary as it is, primary v2
