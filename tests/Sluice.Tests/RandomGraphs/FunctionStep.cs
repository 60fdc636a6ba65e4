namespace Sluice.Tests.RandomGraphs;

/// <summary>A step that applies a function to one item at a time, under a policy. Only the outputs of that function differ.</summary>
internal abstract record FunctionStep(int Id, Policy Policy, Pace Pace) : Step(Id)
{
    public sealed override bool IsFatal => Policy.IsFatal;

    /// <summary>The outputs for an item.</summary>
    protected abstract IEnumerable<long> Outputs(long value);

    /// <summary>What the oracle expects of the step.</summary>
    protected virtual Work Work => new(Name, Id, Policy, Outputs);

    protected abstract Source<long> Apply(Source<long> source, Rig rig, Probe probe);

    public sealed override Source<long> Build(Source<long> source, Rig rig)
        => Policy.Annotate(Apply(Policy.Key(source, Id), rig, rig.Probe(Name, Id, Policy)), Name);

    public sealed override Expected Expect(Expected input, Oracle oracle) => Work.Expect(input, oracle);

    public override IEnumerable<string> Lines() => [$"| {Name} {Pace}{Policy}"];

    public override IEnumerable<Step> Simpler()
    {
        foreach (Policy simpler in Policy.Simpler()) yield return this with { Policy = simpler };
        if (Pace != Pace.AtOnce) yield return this with { Pace = Pace.AtOnce };
    }
}
