# The primary dies after it got the traffic back: the canary, which still runs, takes it, and gives it back later.
plan weighted
see target=v1 parked=no canary=ready primary=ready copied=want routed=yes
  Initializing step 0, failures 0: route 100/0 (not exposed), canary as it is, primary v1
see copied=want
  Initializing step 1, failures 0: route 100/0, canary as it is, primary v1
  Normal  Initialization done! podinfo.test
  Initialized step 0, failures 0: route 100/0, canary up, primary v1
see after=2s parked=yes canary=down
  Initialized step 0, failures 0: route 100/0, canary to zero, primary v1
  Initialized step 0, failures 0: route 100/0, canary as it is, primary v1
see target=v2 parked=no canary=ready
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Normal  Starting canary analysis for podinfo.test
  Normal  Advance podinfo.test canary weight 20
  Progressing step 1, failures 0: route 80/20, canary up, primary v1
see after=10s checks=pass
  Normal  Advance podinfo.test canary weight 40
  Progressing step 2, failures 0: route 60/40, canary up, primary v1
see after=10s checks=pass
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 0: route 60/40, canary up, primary v2
see copied=want
  Normal  Routing all traffic to primary
  Finalising step 0, failures 0: route 100/0, canary up, primary v2
see primary=dead
  Error   Promotion of podinfo.test failed, primary not ready: deployment "podinfo" exceeded its progress deadline
  Failed step 0, failures 0: route 0/100, canary up
see after=1h
see primary=ready
  Promoting step 0, failures 0: route 0/100, canary up, primary v2
  Normal  Routing all traffic to primary
  Finalising step 0, failures 0: route 100/0, canary up, primary v2
see after=2s
  Normal  Promotion completed! Scaling down podinfo.test
  Succeeded step 0, failures 0: route 100/0, canary to zero, primary v2
see parked=yes canary=down
  Succeeded step 0, failures 0: route 100/0, canary as it is, primary v2
