# The ramp is edited under a release: it goes on below where it was, by the next step and not by a leap.
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
plan finer
see after=1s
  Warning The steps of podinfo.test were edited, canary weight goes back from 40 to 30
  Progressing step 2, failures 0: route 70/30, canary up, primary v1
see after=10s checks=pass
  Normal  Advance podinfo.test canary weight 60
  Progressing step 3, failures 0: route 40/60, canary up, primary v1
see after=10s checks=pass
  Normal  Copying podinfo.test template spec to podinfo-primary.test
  Promoting step 0, failures 0: route 40/60, canary up, primary v2
