# No data and a dead metrics server are not bad data: they hold, until the deadline.
plan weighted
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
  Normal  New revision detected! Scaling up podinfo.test
  Progressing step 0, failures 0: route 100/0, canary up, primary v1
  Warning waiting for rollout to finish: 0 of 2 updated replicas are available
see parked=no canary=ready
  Normal  Starting canary analysis for podinfo.test
  Normal  Advance podinfo.test canary weight 20
  Progressing step 1, failures 0: route 80/20, canary up, primary v1
see after=10s checks=nodata
  Warning Halt advancement no values found for gatewayapi:v1 metric request-success-rate probably podinfo.test is not receiving traffic: no values found
see after=10s checks=unknown
  Error   Prometheus query failed: request failed: connection refused
see after=1m checks=nodata
  Warning Rolling back podinfo.test progress deadline exceeded Halt advancement no values found for gatewayapi:v1 metric request-success-rate probably podinfo.test is not receiving traffic: no values found
  Warning Canary failed! Scaling down podinfo.test
  Failed step 0, failures 0: route 100/0, canary up
see after=2s
  Failed step 0, failures 0: route 100/0, canary to zero
