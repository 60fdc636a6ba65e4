using System.Runtime.CompilerServices;

namespace Sluice.Tests.RandomGraphs;

/// <summary>SelectMany or SelectManyAsync: up to <paramref name="Most"/> outputs per item.</summary>
internal sealed record ManyStep(int Id, Policy Policy, Pace Pace, bool IsAsync, int Most) : FunctionStep(Id, Policy, Pace)
{
    public override string Name => $"{(IsAsync ? "many-async" : "many")}-{Id}";

    protected override Work Work => base.Work with { MostOfOne = Most };

    protected override IEnumerable<long> Outputs(long value)
        => Enumerable.Range(0, Mixing.Roll(value, Id, Most + 1)).Select(n => Mixing.Mix(value, (Id * 1000L) + n));

    protected override Source<long> Apply(Source<long> source, Rig rig, Probe probe)
        => IsAsync ? source.SelectManyAsync((value, token) => ManyAsync(value, rig, probe, token))
        : source.SelectMany(value => Many(value, probe));

    public override IEnumerable<string> Lines() => [$"| {Name} up to {Most} {Pace}{Policy}"];

    public override IEnumerable<Step> Simpler() => Most > 3 ? [.. base.Simpler(), this with { Most = 3 }] : base.Simpler();

    // The function is suspended while its results are processed, so only its own code counts as active.
    private IEnumerable<long> Many(long value, Probe probe)
    {
        Check(value, probe);
        foreach (long output in Outputs(value)) yield return output;
        if (Policy.IsGuarded) Check(value, probe);
    }

    private static void Check(long value, Probe probe)
    {
        probe.Enter(value);
        try
        {
            probe.MayFail(value);
        }
        finally
        {
            probe.Exit(value);
        }
    }

    private async IAsyncEnumerable<long> ManyAsync(long value, Rig rig, Probe probe,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        Check(value, probe);
        foreach (long output in Outputs(value))
        {
            await rig.PauseAsync(Pace, cancellation);
            yield return output;
        }
        await rig.PauseAsync(Pace, cancellation);
    }
}
