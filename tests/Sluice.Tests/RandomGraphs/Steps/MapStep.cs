namespace Sluice.Tests.RandomGraphs;

/// <summary>Select or SelectAsync.</summary>
internal sealed record MapStep(int Id, Policy Policy, Pace Pace, bool IsAsync) : FunctionStep(Id, Policy, Pace)
{
    public override string Name => $"{(IsAsync ? "map-async" : "map")}-{Id}";

    protected override IEnumerable<long> Outputs(long value) => [Mixing.Mix(value, Id)];

    protected override Source<long> Apply(Source<long> source, Rig rig, Probe probe)
        => IsAsync ? source.SelectAsync((value, token) => MapAsync(value, rig, probe, token)) : source.Select(value => Map(value, probe));

    private long Map(long value, Probe probe)
    {
        probe.Enter(value);
        try
        {
            probe.MayFail(value);
            return Mixing.Mix(value, Id);
        }
        finally
        {
            probe.Exit(value);
        }
    }

    private async ValueTask<long> MapAsync(long value, Rig rig, Probe probe, CancellationToken cancellation)
    {
        probe.Enter(value);
        try
        {
            await rig.PauseAsync(Pace, cancellation);
            probe.MayFail(value);
            return Mixing.Mix(value, Id);
        }
        finally
        {
            probe.Exit(value);
        }
    }
}
