# Promoted at 20 %, with a way back that begins at 25: the canary gets no more on the way home.
plan early
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
see after=10s ask=promote
  Normal  Promoting podinfo.test without the rest of its analysis, as alice (why not) asked
  Progressing step 1, failures 0: route 80/20, canary up, primary v1
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 0: route 80/20, canary up, primary v2
see copied=want
  Normal  Advance podinfo.test primary weight 90
  Promoting step 2, failures 0: route 90/10, canary up, primary v2
see after=10s
  Normal  Advance podinfo.test primary weight 100
  Promoting step 3, failures 0: route 100/0, canary up, primary v2
see after=10s
  Normal  Routing all traffic to primary
  Finalising step 0, failures 0: route 100/0, canary up, primary v2
