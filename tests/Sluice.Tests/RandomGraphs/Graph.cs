namespace Sluice.Tests.RandomGraphs;

/// <summary>A random graph: a small description that yields both the pipeline and the oracle.</summary>
internal sealed record Graph(Flow Flow, Ending Ending)
{
    public Pipeline Build(Rig rig) => new(Ending.Build(Flow.Build(rig), rig));

    public Oracle Expect(int capacity, RunRecord? after = null)
    {
        var oracle = new Oracle(capacity, after);
        Ending.Expect(Flow.Expect(oracle, Ending.MayStop), oracle);
        return oracle;
    }

    public IEnumerable<Graph> Simpler()
    {
        foreach (Flow simpler in Flow.Simpler()) yield return this with { Flow = simpler };
        foreach (Ending simpler in Ending.Simpler()) yield return this with { Ending = simpler };
    }

    public override string ToString() => string.Join('\n', Flow.Lines().Concat(Ending.Lines()));
}

/// <summary>A graph, and the conditions under which it runs.</summary>
internal sealed record GraphCase(ulong Seed, Graph Graph, int Capacity, Interference Interference)
{
    public IEnumerable<GraphCase> Simpler()
    {
        if (Interference.Kind != InterferenceKind.None)
        {
            yield return this with { Interference = Interference.None };
            if (Interference.AtCall > 1) yield return this with { Interference = Interference with { AtCall = Interference.AtCall - 1 } };
        }
        foreach (Graph simpler in Graph.Simpler()) yield return this with { Graph = simpler };
    }

    public override string ToString() => $"capacity {Capacity}, {Interference}\n{Graph}";
}
