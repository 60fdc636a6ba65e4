namespace Sluice.Tests.RandomGraphs;

/// <summary>The end of a random graph: a sink, or branches with sinks.</summary>
internal abstract record Ending(int Id)
{
    public abstract bool MayStop { get; }

    public abstract bool IsFatal { get; }

    public abstract Source<Unit> Build(Source<long> source, Rig rig);

    public abstract void Expect(Expected input, Oracle oracle);

    public abstract IEnumerable<Ending> Simpler();

    public abstract IEnumerable<string> Lines();
}

/// <summary>A sink that records its items.</summary>
internal sealed record SinkEnding(int Id, Policy Policy, Pace Pace, bool IsAsync) : Ending(Id)
{
    public string Name => $"sink-{Id}";

    public override bool MayStop => false;

    public override bool IsFatal => Policy.IsFatal;

    public override Source<Unit> Build(Source<long> source, Rig rig)
    {
        Action<long> remember = rig.Sink(Name);
        Probe probe = rig.Probe(Name, Id, Policy);
        source = Policy.Key(rig.Sabotage(source), Id);
        Pipeline pipeline = IsAsync
            ? source.ForEachAsync((value, _, token) => TakeAsync(value, remember, probe, rig, token))
            : source.ForEach(value => Take(value, remember, probe));
        return Policy.Annotate(pipeline.Tail, Name);
    }

    public override void Expect(Expected input, Oracle oracle)
    {
        // The lanes of a sink write at the same time, so the sink receives its items in no order.
        Policy policy = Policy.Parallel > 1 ? Policy with { Unordered = true } : Policy;
        Expected received = new Work(Name, Id, policy, value => [value]).Expect(input, oracle);
        foreach (Item item in received.Items) item.Root?.EndsAs(RootEnd.Completed);
        oracle.Sinks.Add(Name, received);
    }

    public override IEnumerable<Ending> Simpler()
    {
        foreach (Policy simpler in Policy.Simpler()) yield return this with { Policy = simpler };
        if (Pace != Pace.AtOnce) yield return this with { Pace = Pace.AtOnce };
        if (IsAsync && Pace == Pace.AtOnce) yield return this with { IsAsync = false };
    }

    public override IEnumerable<string> Lines() => [$"| {Name}{(IsAsync ? $" async {Pace}" : "")}{Policy}"];

    private static void Take(long value, Action<long> remember, Probe probe)
    {
        probe.Enter(value);
        try
        {
            probe.MayFail(value);
            remember(value);
        }
        finally
        {
            probe.Exit(value);
        }
    }

    private async ValueTask TakeAsync(long value, Action<long> remember, Probe probe, Rig rig, CancellationToken cancellation)
    {
        probe.Enter(value);
        try
        {
            await rig.PauseAsync(Pace, cancellation);
            probe.MayFail(value);
            remember(value);
        }
        finally
        {
            probe.Exit(value);
        }
    }
}

/// <summary>Branches, each with its own sinks.</summary>
internal sealed record FanEnding(int Id, FanKind Kind, IReadOnlyList<(Chain Chain, Ending Ending)> Branches, int Unknown = 0) : Ending(Id)
{
    public string Name => $"{Kind}-{Id}".ToLowerInvariant();

    public override bool MayStop => Branches.Any(branch => branch.Chain.MayStop || branch.Ending.MayStop);

    public override bool IsFatal => Unknown > 0 || Branches.Any(branch => branch.Chain.Steps.Any(step => step.IsFatal)
        || branch.Ending.IsFatal);

    public override Source<Unit> Build(Source<long> source, Rig rig)
    {
        var branches = Branches.Select(branch
            => (Func<Source<long>, Source<Unit>>)(start => branch.Ending.Build(branch.Chain.Build(start, rig), rig))).ToArray();
        return Fan.Build(source, Id, Kind, branches, Unknown).Annotate(Stage.Named(Name));
    }

    public override void Expect(Expected input, Oracle oracle)
    {
        var starts = oracle.Under(MayStop, () => Fan.Expect(input, oracle, Name, Id, Kind, Branches.Count, Unknown).ToList());
        foreach (var (start, (chain, ending)) in starts.Zip(Branches))
            ending.Expect(oracle.Under(ending.MayStop, () => chain.Expect(start, oracle)), oracle);
    }

    public override IEnumerable<Ending> Simpler()
    {
        foreach (var (_, ending) in Branches) yield return ending;
        if (Unknown > 0) yield return this with { Unknown = 0 };
        if (Branches.Count > 1 && Unknown == 0 && Kind != FanKind.RoundRobin)
        {
            for (int i = 0; i < Branches.Count; i++)
                yield return this with { Branches = [.. Branches.Take(i), .. Branches.Skip(i + 1)] };
        }
        for (int i = 0; i < Branches.Count; i++)
        {
            int at = i;
            var (chain, ending) = Branches[i];
            foreach (var branch in chain.Simpler().Select(simpler => (simpler, ending))
                .Concat(ending.Simpler().Select(simpler => (chain, simpler))))
                yield return this with { Branches = [.. Branches.Take(at), branch, .. Branches.Skip(at + 1)] };
        }
    }

    public override IEnumerable<string> Lines() =>
    [
        $"| {Name}{(Unknown > 0 ? $" [1 of {Unknown} to a branch that does not exist]" : "")}",
        .. Branches.SelectMany((branch, n) => new[] { $"    branch {n}" }
            .Concat(branch.Chain.Lines().Concat(branch.Ending.Lines()).Select(line => "    " + line))),
    ];
}
