namespace Sluice.Tests.RandomGraphs;

/// <summary>Where or WhereAsync.</summary>
internal sealed record WhereStep(int Id, Policy Policy, Pace Pace, bool IsAsync) : FunctionStep(Id, Policy, Pace)
{
    public override string Name => $"{(IsAsync ? "where-async" : "where")}-{Id}";

    protected override Work Work => base.Work with { CountsSkipped = true };

    protected override IEnumerable<long> Outputs(long value) => IsWanted(value) ? [value] : [];

    protected override Source<long> Apply(Source<long> source, Rig rig, Probe probe)
        => IsAsync ? source.WhereAsync((value, token) => FilterAsync(value, rig, probe, token))
        : source.Where(value => Filter(value, probe));

    private bool IsWanted(long value) => Mixing.Roll(value, Id, 3) > 0;

    private bool Filter(long value, Probe probe)
    {
        probe.Enter(value);
        try
        {
            probe.MayFail(value);
            return IsWanted(value);
        }
        finally
        {
            probe.Exit(value);
        }
    }

    private async ValueTask<bool> FilterAsync(long value, Rig rig, Probe probe, CancellationToken cancellation)
    {
        probe.Enter(value);
        try
        {
            await rig.PauseAsync(Pace, cancellation);
            probe.MayFail(value);
            return IsWanted(value);
        }
        finally
        {
            probe.Exit(value);
        }
    }
}
