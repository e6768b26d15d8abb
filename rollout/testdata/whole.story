# All traffic in one step and back in two, with every hook; traffic-increase is asked before the step and at its end.
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
see pre-rollout=pass confirm-traffic-increase=pass
  Normal  Pre-rollout check gate passed
  Normal  Confirm-traffic-increase check gate passed
  Normal  Advance podinfo.test canary weight 100
  Progressing step 1, failures 0: route 0/100, canary up, primary v1
see after=10s checks=pass confirm-traffic-increase=pass confirm-promotion=pass
  Normal  Confirm-traffic-increase check gate passed
  Normal  Confirm-promotion check gate passed
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 0: route 0/100, canary up, primary v2
see copied=want
  Normal  Advance podinfo.test primary weight 50
  Promoting step 1, failures 0: route 50/50, canary up, primary v2
see after=10s
  Normal  Advance podinfo.test primary weight 100
  Promoting step 2, failures 0: route 100/0, canary up, primary v2
see after=10s
  Normal  Routing all traffic to primary
  Finalising step 0, failures 0: route 100/0, canary up, primary v2
see after=2s
  Normal  Promotion completed! Scaling down podinfo.test
  Succeeded step 0, failures 0: route 100/0, canary to zero, primary v2
see post-rollout=pass parked=yes canary=down
  Normal  Post-rollout check gate passed
  Succeeded step 0, failures 0: route 100/0, canary as it is, primary v2
