# Promoted before the canary had any traffic: there is none to take back, and the way back ends all the same.
plan whole
see target=v1 parked=no canary=ready primary=ready copied=want routed=yes
  Initializing step 0, failures 0: route 100/0 (not exposed), canary as it is, primary v1
see copied=want
  Initializing step 1, failures 0: route 100/0, canary as it is, primary v1
  Normal  Initialization done! podinfo.test
  Initialized step 0, failures 0: route 100/0, canary up, primary v1
see after=2s parked=yes canary=down
  Initialized step 0, failures 0: route 100/0, canary to zero, primary v1
  Initialized step 0, failures 0: route 100/0, canary as it is, primary v1
see target=v2 confirm-rollout=pass parked=no canary=ready
  Normal  Confirm-rollout check gate passed
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Normal  Starting canary analysis for podinfo.test
see ask=promote
  Normal  Promoting podinfo.test without the rest of its analysis, as alice (why not) asked
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 0: route 100/0, canary up, primary v2
see copied=want
  Normal  Routing all traffic to primary
  Finalising step 0, failures 0: route 100/0, canary up, primary v2
see after=2s
  Normal  Promotion completed! Canary analysis was skipped for podinfo.test
  Succeeded step 0, failures 0: route 100/0, canary to zero, primary v2
see parked=yes canary=down post-rollout=pass
  Normal  Post-rollout check gate passed
  Succeeded step 0, failures 0: route 100/0, canary as it is, primary v2
