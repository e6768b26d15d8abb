# A release stands at a gate for hours. While its checks are asked again nothing is said of a
# deadline; when they get no answer any more, or pods fail, the time begins anew.
plan gated
see target=v1 parked=no canary=ready primary=ready copied=want routed=yes
  Initializing step 0, failures 0: route 100/0 (not exposed), canary as it is, primary v1
see copied=want
  Initializing step 1, failures 0: route 100/0, canary as it is, primary v1
  Normal  Initialization done! podinfo.test
  Initialized step 0, failures 0: route 100/0, canary up, primary v1
see after=2s parked=yes canary=down
  Initialized step 0, failures 0: route 100/0, canary to zero, primary v1
  Initialized step 0, failures 0: route 100/0, canary as it is, primary v1
see target=v2
see confirm-rollout=pass
  Normal  Confirm-rollout check gate passed
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
see after=10s ask=approve:legal
  Normal  Opening legal of podinfo.test, as alice (why not) asked
  Progressing step 1, failures 0: route 50/50, canary up, primary v1
see checks=pass confirm-traffic-increase=pass confirm-promotion=fail
  Warning Halt podinfo.test advancement waiting for promotion approval gate
  WaitingPromotion step 1, failures 0: route 50/50, canary up, primary v1
see after=2h
see checks=pass confirm-promotion=fail
see after=2h
see checks=unknown
  Error   Prometheus query failed: request failed: connection refused
  WaitingPromotion step 1, failures 0: route 50/50, canary up, primary v1
see after=30s checks=unknown
  Error   Prometheus query failed: request failed: connection refused
see checks=pass confirm-promotion=fail
  WaitingPromotion step 1, failures 0: route 50/50, canary up, primary v1
see after=2h
see primary=rolling
  Warning waiting for rollout to finish: 1 of 2 updated replicas are available
  WaitingPromotion step 1, failures 0: route 50/50, canary up, primary v1
  Warning waiting for rollout to finish: 1 of 2 updated replicas are available
see after=30s
see primary=ready
see after=10s checks=pass confirm-promotion=pass
  Normal  Confirm-promotion check gate passed
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 0: route 50/50, canary up, primary v2
