/** Written by hand from the report's tables; read it again when runs or machines change. */
export const CONCLUSIONS = `## What this shows of "smaller networks favour non-batched, larger ones batched operation" (Li and Pedram 2017)

A step of many samples takes less time a sample (rank-1 updates keep all PEs busy; ring and pipelines fill once a batch), but
hardly less energy while weights stay in the PEs: between SGD and mini-batch lie 7 % for lenet-300-100 on caterpillar-2x16 and
2 % for mlp-500. What decides is then how many samples a method needs.

- lenet-300-100: CP needs least energy: 20 mJ to 90 % (SGD 28, mini-batch 27) and 107 mJ to 95 % (SGD 113, mini-batch 201) on
  caterpillar-2x16. To 90 % these three lie within a test of each other; to 95 % mini-batches take 30,000 samples,
  SGD and CP 16,000. In time the 2048 PEs of caterpillar-2x4 favour batches: 11 ms to 95 %, against 18 (SGD); CP takes 9.
  So the claim about small networks holds here for energy to 95 %, weakly: mini-batch decays its rate over five epochs,
  the others over one, which makes it slower to 95 % than it would be alone. Only mini-batch ran long enough to reach 97 %.
- FA and DFA: least energy a sample does not help (DFA has it, 13 % below SGD on mlp-500): on lenet-300-100 they need four times
  the energy of SGD to 90 %, and do not reach 92 % in one epoch.
- mlp-500: SGD and CP need half the energy of mini-batches to 90 % (80 and 152 mJ on caterpillar-2x16), as they need 3,200 samples against
  6,000; on caterpillar-2x4 SGD takes as long as mini-batches, CP two thirds of that. Rates are not decayed alike here either.
- mlp-2500, costs a sample alone: on caterpillar-2x16, whose PEs cannot hold its weights, each step reads them from off-chip memory,
  so mini-batches take 17 times less time and 13 times less energy a sample. There batched operation wins unless SGD
  gets by with 13 times fewer samples. This is the half of the claim about larger networks.
- On caterpillar-2x4 the weights of mlp-2500 fit, and the model says the reverse: SGD and CP take 333 uJ and 18 to 19 us a sample, mini-batches
  437 uJ and 31 us at 53 % utilization, with 30 MB off-chip in a step of 50. That agrees with the paper's choice of pipelined
  SGD and CP for its large design, not with a rule by the size of networks alone: what counts here is whether weights fit.
- FA keeps fixed random tensors as large as the weights. They do not fit beside the weights of mlp-2500 on caterpillar-2x4, which costs it
  15 times the energy of SGD; those of DFA are small.
`;
